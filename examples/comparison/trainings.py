"""The trainings, as org.cooper4j.comparison.Use has them: the same data, batches, start and noise."""

import csv
import dataclasses
import functools
import gzip
import math
import typing

import numpy
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from packages import Group
from problems import ROOT

IMAGES = 10_000
PEOPLE = 32_561
BINS = {
    "age": (25, 35, 45, 55),
    "capitalgain": (0, 3500, 7500, 10_000),
    "capitalloss": (0, 1600, 1900, 2200),
    "hoursperweek": (20, 35, 45, 60),
}


def idx(name, offset):
    with gzip.open(ROOT / f"examples/data/mnist/{name}.gz") as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=offset)


@functools.cache
def digits():
    pixels = torch.from_numpy(idx("train-images-idx3-ubyte", 16)[: IMAGES * 784].copy())
    labels = torch.from_numpy(idx("train-labels-idx1-ubyte", 8)[:IMAGES].copy())
    return (pixels.view(IMAGES, 784).float() / 255 - 0.1307) / 0.3081, labels.long()


@functools.cache
def people():
    with gzip.open(ROOT / "examples/data/adult/adult.csv.gz", "rt") as file:
        names, *rows = csv.reader(file)
    columns = dict(zip(names, zip(*rows)))
    inputs = []
    for name in names:
        if name in ("sex", "class"):
            continue
        if name in BINS:
            codes = [sum(float(word) > edge for edge in BINS[name]) for word in columns[name]]
        else:
            places = {word: i for i, word in enumerate(sorted(set(columns[name])))}
            codes = [places[word] for word in columns[name]]
        codes = torch.tensor(codes)[:PEOPLE]
        inputs.append(torch.nn.functional.one_hot(codes).float())
    income, male = (
        torch.tensor([word == value for word in columns[name]]).float()
        for name, value in (("class", ">50K"), ("sex", "Male"))
    )
    return torch.cat(inputs, 1), torch.stack([income, male], 1)[:PEOPLE]


class Training:
    def __init__(self, data, batch_size, *groups):
        self.data, self.batch_size, self.groups = data, batch_size, groups
        self.generator = torch.Generator().manual_seed(0)

    def batches(self):
        while True:
            order = torch.randperm(len(self.data[0]), generator=self.generator)
            for rows in order.split(self.batch_size):
                yield tuple(part.index_select(0, rows) for part in self.data)

    def measure(self):
        """The objective, and the largest violation, over all data."""
        with torch.no_grad():
            loss, violations = self.evaluate(self.data, noise=False)
        worst = 0.0
        for group in self.groups:
            violation, strict = violations[group.name]
            size = violation if strict is None else strict
            worst = max(worst, (size.abs() if group.equality else size).max().item())
        return loss.item(), worst


class NormMnist(Training):
    def __init__(self):
        super().__init__(digits(), 128, Group("norm", False, 1, torch.float32))
        self.model = torch.nn.Linear(784, 10)
        self.variables = list(self.model.parameters())

    def evaluate(self, batch, noise=True):
        loss = cross_entropy(self.model(batch[0]), batch[1])
        norm = sum(variable.square().sum() for variable in self.variables)
        return loss, {"norm": (norm.reshape(1) - 1, None)}


class AdultParity(Training):
    def __init__(self, rates):
        super().__init__(people(), 512, Group("parity", False, 2, torch.float32))
        self.rates, self.model = rates, torch.nn.Linear(people()[0].shape[1], 1)
        self.variables = list(self.model.parameters())

    def evaluate(self, batch, noise=True):
        logits = self.model(batch[0]).squeeze(1)
        income, male = batch[1].unbind(1)
        loss = binary_cross_entropy_with_logits(logits, income)
        loss = loss + 1e-4 * self.model.weight.square().sum()

        def within(answers):
            gap = answers.dot(male) / male.sum() - answers.dot(1 - male) / (1 - male).sum()
            return torch.stack([gap, -gap]) - 0.02

        strict = within((logits.detach() > 0).float()) if self.rates else None
        return loss, {"parity": (within(logits.sigmoid()), strict)}


class SparseMnist(Training):
    def __init__(self):
        super().__init__(digits(), 128, Group("sparsity", False, 1, torch.float32))
        self.model = torch.nn.Linear(784, 10)
        self.gates = torch.zeros(784, requires_grad=True)
        self.variables = [*self.model.parameters(), self.gates]

    def evaluate(self, batch, noise=True):
        temperature, low, high = 2 / 3, -0.1, 1.1
        scores = self.gates
        if noise:
            drawn = torch.rand_like(self.gates).clamp(1e-6, 1 - 1e-6)
            scores = (self.gates + drawn.logit()) / temperature
        opened = (scores.sigmoid() * (high - low) + low).clamp(0, 1)
        loss = cross_entropy(self.model(batch[0] * opened), batch[1])
        share = (self.gates - temperature * math.log(-low / high)).sigmoid().mean()
        return loss, {"sparsity": (share.reshape(1) - 0.1, None)}


class Pinn(Training):
    def __init__(self):
        def normal(scale):
            return (torch.randn(20).double() * scale).requires_grad_()

        self.v, self.w, self.b = normal(1), normal(3), normal(1)
        self.variables = [self.v, self.w, self.b]
        self.ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
        t = torch.linspace(0, 1, 1024).double()
        data = t, -9.8696044 * (math.pi * t).sin()
        super().__init__(data, 64, Group("boundary", True, 2, torch.float64))

    def layer(self, t):
        return (t.unsqueeze(1) * self.w + self.b).tanh()

    def evaluate(self, batch, noise=True):
        s = self.layer(batch[0])
        second = (s * (1 - s.square()) * -2) @ (self.v * self.w.square())
        loss = (second - batch[1]).square().mean()
        return loss, {"boundary": (self.layer(self.ends) @ self.v, None)}


@dataclasses.dataclass
class Use:
    name: str
    rate: float
    steps: int
    equalities: bool
    task: typing.Callable

    def start(self):
        torch.manual_seed(0)
        return self.task()


def all_uses():
    return [
        Use("MNIST, norm", 1e-3, 3000, False, NormMnist),
        Use("Adult, means", 1e-2, 3000, False, lambda: AdultParity(False)),
        Use("Adult, rates", 1e-2, 3000, False, lambda: AdultParity(True)),
        Use("MNIST, L0", 1e-2, 3000, False, SparseMnist),
        Use("PINN", 5e-3, 6000, True, Pinn),
    ]
