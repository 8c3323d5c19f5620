"""Python's half of the example FairClassifier: a classifier of the Adult data as TorchScript.

    income_classifier.py export MODEL      trains it for a while, saves it for Java to train further
    income_classifier.py evaluate MODEL    loads one that Java saved and prints what it does as JSON
"""

import argparse
import csv
import gzip
import io
import json
import pathlib
import zipfile

import torch

DATA = pathlib.Path(__file__).parents[3] / "data/adult/adult.csv.gz"
TRAIN_ROWS = 32561
NO_FEATURES = ("sex", "class")
BINS = {  # a number is as many edges as it is above
    "age": (25, 35, 45, 55),
    "capitalgain": (0, 3500, 7500, 10_000),
    "capitalloss": (0, 1600, 1900, 2200),
    "hoursperweek": (20, 35, 45, 60),
}


class IncomeClassifier(torch.nn.Module):
    """An MLP over categories: features int64 [n, columns] to logits [n]."""

    offsets: torch.Tensor

    def __init__(self, categories, width=32):
        super().__init__()
        sizes = torch.tensor([0, *categories])
        self.register_buffer("offsets", sizes.cumsum(0)[:-1])
        self.embedding = torch.nn.EmbeddingBag(sum(categories), width, mode="sum")
        self.hidden = torch.nn.Linear(width, width)
        self.output = torch.nn.Linear(width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.embedding(features + self.offsets))
        x = torch.relu(self.hidden(x))
        return self.output(x).squeeze(1)


def read():
    """Features, incomes above 50,000 dollars, and whether male; a category is its place among the
    sorted values of its column."""
    with gzip.open(DATA, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update({name: sum(int(row[name]) > edge for edge in BINS[name]) for name in BINS})
    names = [name for name in rows[0] if name not in NO_FEATURES]
    places = {}
    for name in names:
        values = sorted({row[name] for row in rows})
        places[name] = {value: place for place, value in enumerate(values)}
    features = torch.tensor([[places[name][row[name]] for name in names] for row in rows])
    incomes = torch.tensor([float(row["class"] == ">50K") for row in rows])
    male = torch.tensor([row["sex"] == "Male" for row in rows])
    return features, incomes, male, [len(places[name]) for name in names]


def export(path):
    features, incomes, _, categories = read()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = IncomeClassifier(categories)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(5):
        for rows in torch.randperm(TRAIN_ROWS).split(1024):
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                model(features[rows]), incomes[rows]
            )
            loss.backward()
            optimizer.step()
    save(torch.jit.script(model), path)


def save(module, path):
    """Saves without TorchScript's debug files, which name folders of this machine."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as full, zipfile.ZipFile(path, "w") as slim:
        for record in full.infolist():
            if not record.filename.endswith(".debug_pkl"):
                slim.writestr(record, full.read(record))


def evaluate(path):
    features, incomes, male, _ = read()
    with torch.no_grad():
        positive = torch.jit.load(path)(features) > 0
    found = {}
    for part, rows in (("train", slice(TRAIN_ROWS)), ("test", slice(TRAIN_ROWS, None))):
        predicted, group = positive[rows].double(), male[rows]
        gap = predicted[group].mean() - predicted[~group].mean()
        found[f"{part}_accuracy"] = (predicted == incomes[rows]).double().mean().item()
        found[f"{part}_gap"] = gap.item()
    print(json.dumps(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["export", "evaluate"])
    parser.add_argument("model", metavar="MODEL")
    arguments = parser.parse_args()
    {"export": export, "evaluate": evaluate}[arguments.command](arguments.model)
