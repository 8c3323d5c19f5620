"""Cooper's MNIST tutorial as its users run it: data, 7 epochs, a checkpoint each, the plot.

    python mnist_tutorial.py (torchvision|preloaded) FOLDER

`torchvision` transforms image by image in a DataLoader with two workers, as the tutorial does;
`preloaded` normalises all images once and slices batches from the tensor. FOLDER gets the outputs.
"""

import gzip
import pathlib
import shutil
import sys

import cooper
import matplotlib
import torch

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[1] / "data/mnist"
MEAN, STD = 0.1307, 0.3081


class NormConstrained(cooper.ConstrainedMinimizationProblem):
    def __init__(self):
        super().__init__()
        self.norm = cooper.Constraint(
            constraint_type=cooper.ConstraintType.INEQUALITY,
            multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1),
        )

    def compute_cmp_state(self, model, inputs, targets):
        logits = model(inputs.flatten(1))
        accuracy = (logits.argmax(dim=1) == targets).float().mean()
        norm = model.weight.pow(2).sum() + model.bias.pow(2).sum()
        return cooper.CMPState(
            loss=torch.nn.functional.cross_entropy(logits, targets),
            observed_constraints={self.norm: cooper.ConstraintState(violation=norm - 1.0)},
            misc={"accuracy": accuracy},
        )


def torchvision_batches(folder):
    from torchvision import datasets, transforms

    raw = folder / "MNIST/raw"
    raw.mkdir(parents=True, exist_ok=True)
    for packed in DATA.glob("*.gz"):
        with gzip.open(packed) as source, open(raw / packed.stem, "wb") as target:
            shutil.copyfileobj(source, target)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    dataset = datasets.MNIST(folder, train=True, transform=transform)
    return torch.utils.data.DataLoader(dataset, batch_size=128, num_workers=2)


def preloaded_batches(_):
    def read(name, offset):
        data = bytearray(gzip.decompress((DATA / f"train-{name}.gz").read_bytes())[offset:])
        return torch.frombuffer(data, dtype=torch.uint8)

    images = read("images-idx3-ubyte", 16).view(-1, 1, 28, 28).float().div_(255).sub_(MEAN).div_(STD)
    targets = read("labels-idx1-ubyte", 8).long()
    return list(zip(images.split(128), targets.split(128)))


def train(batches, folder):
    torch.manual_seed(0)
    model = torch.nn.Linear(784, 10)
    cmp = NormConstrained()
    optimizer = cooper.optim.SimultaneousOptimizer(
        cmp=cmp,
        primal_optimizers=torch.optim.Adam(model.parameters(), lr=1e-3, amsgrad=True),
        dual_optimizers=torch.optim.SGD(cmp.dual_parameters(), lr=1e-3, maximize=True),
    )
    metrics = {name: [] for name in ("batch_ix", "train_loss", "train_acc", "multiplier_value", "violation")}
    batch_ix = 0
    for epoch in range(7):
        for inputs, targets in batches:
            batch_ix += 1
            arguments = {"model": model, "inputs": inputs, "targets": targets}
            out = optimizer.roll(compute_cmp_state_kwargs=arguments)
            if batch_ix % 3 == 0:
                state = out.cmp_state
                multiplier = out.primal_lagrangian_store.multiplier_values[cmp.norm]
                values = (state.loss, state.misc["accuracy"], multiplier, state.observed_constraints[cmp.norm].violation)
                for name, value in zip(metrics, (batch_ix, *(tensor.item() for tensor in values))):
                    metrics[name].append(value)
        checkpoint = {
            "batch_ix": batch_ix,
            "epoch": epoch,
            "all_metrics": metrics,
            "model_state_dict": model.state_dict(),
            "cmp_state_dict": cmp.state_dict(),
            "cooper_optimizer_state_dict": optimizer.state_dict(),
        }
        torch.save(checkpoint, folder / "checkpoint.pth")
    return metrics


def plot(metrics, folder):
    _, axes = plt.subplots(ncols=4, figsize=(18, 4))
    for axis, name in zip(axes, list(metrics)[1:]):
        axis.plot(metrics["batch_ix"], metrics[name])
        axis.set_xlabel("Batch")
        axis.set_title(name)
    plt.savefig(folder / "training.png")


def main():
    batches = {"torchvision": torchvision_batches, "preloaded": preloaded_batches}[sys.argv[1]]
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    plot(train(batches(folder), folder), folder)


if __name__ == "__main__":
    main()
