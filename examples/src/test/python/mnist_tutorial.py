"""Cooper's MNIST tutorial in Python, as far as checkpoints go: the other end of the exchange.

    mnist_tutorial.py train DATA OUT --epochs N [--batch-size N]   resumes OUT/checkpoint.pth, if any
    mnist_tutorial.py compare EXPECTED FOUND                       two such files; exits 1 if they differ

DATA is a folder of MNIST's gzip IDX files. A value may differ by 1e-6 * (1 + |value|).
"""

import argparse
import gzip
import pathlib
import sys

import torch
from cooper import CMPState, ConstrainedMinimizationProblem, Constraint, ConstraintState
from cooper import ConstraintType
from cooper.formulations import Lagrangian
from cooper.multipliers import DenseMultiplier
from cooper.optim import SimultaneousOptimizer

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "src" / "test" / "python"))
from exchange import differences

TOLERANCE = 1e-6


class NormConstrainedLogisticRegression(ConstrainedMinimizationProblem):
    def __init__(self, model):
        super().__init__()
        self.model = model
        self.norm_constraint = Constraint(
            constraint_type=ConstraintType.INEQUALITY,
            formulation_type=Lagrangian,
            multiplier=DenseMultiplier(num_constraints=1),
        )

    def compute_cmp_state(self, inputs, targets):
        logits = self.model(inputs.view(inputs.shape[0], -1))
        loss = torch.nn.functional.cross_entropy(logits, targets)
        accuracy = (logits.argmax(dim=1) == targets).float().mean()
        squared_norm = self.model.weight.pow(2).sum() + self.model.bias.pow(2).sum()
        return CMPState(
            loss=loss,
            observed_constraints={
                self.norm_constraint: ConstraintState(violation=squared_norm - 1.0)
            },
            misc={"accuracy": accuracy},
        )


def elements(path, header):
    data = bytearray(gzip.decompress(path.read_bytes()))
    return torch.frombuffer(data, dtype=torch.uint8, offset=header)


def training_set(folder):
    pixels = elements(folder / "train-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28)
    labels = elements(folder / "train-labels-idx1-ubyte.gz", 8)
    return (pixels.float() / 255 - 0.1307) / 0.3081, labels.long()


def train(arguments):
    torch.manual_seed(0)
    model = torch.nn.Linear(28 * 28, 10)
    cmp = NormConstrainedLogisticRegression(model)
    cooper_optimizer = SimultaneousOptimizer(
        cmp=cmp,
        primal_optimizers=torch.optim.Adam(model.parameters(), lr=1e-3, amsgrad=True),
        dual_optimizers=torch.optim.SGD(cmp.dual_parameters(), lr=1e-3, maximize=True),
    )
    names = ("batch_ix", "train_loss", "train_acc", "multiplier_value", "constraint_violation")
    state = {"batch_ix": 0, "epoch": -1, "all_metrics": {name: [] for name in names}}

    path = arguments.out / "checkpoint.pth"
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model_state_dict"])
        cmp.load_state_dict(state["cmp_state_dict"])
        cooper_optimizer.load_state_dict(state["cooper_optimizer_state_dict"])

    inputs, targets = training_set(arguments.data)
    batches = list(zip(inputs.split(arguments.batch_size), targets.split(arguments.batch_size)))
    for epoch in range(state["epoch"] + 1, arguments.epochs):
        for batch in batches:
            state["batch_ix"] += 1
            roll_out = cooper_optimizer.roll(
                compute_cmp_state_kwargs={"inputs": batch[0], "targets": batch[1]}
            )
            if state["batch_ix"] % 3 == 0:
                record(state, cmp, roll_out)
        state["epoch"] = epoch
    state["model_state_dict"] = model.state_dict()
    state["cmp_state_dict"] = cmp.state_dict()
    state["cooper_optimizer_state_dict"] = cooper_optimizer.state_dict()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)


def record(state, cmp, roll_out):
    violation = roll_out.cmp_state.observed_constraints[cmp.norm_constraint].violation
    (multiplier,) = roll_out.primal_lagrangian_store.observed_multiplier_values()
    row = {
        "batch_ix": state["batch_ix"],
        "train_loss": roll_out.loss.item(),
        "train_acc": roll_out.cmp_state.misc["accuracy"].item(),
        "multiplier_value": multiplier.item(),
        "constraint_violation": violation.item(),
    }
    for name, value in row.items():
        state["all_metrics"][name].append(value)


def compare(arguments):
    expected, found = (
        torch.load(path, weights_only=True) for path in (arguments.expected, arguments.found)
    )
    different = list(differences(expected, found, TOLERANCE))
    print("\n".join(different) or "equal")
    sys.exit(1 if different else 0)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("train")
    command.set_defaults(run=train)
    command.add_argument("data", type=pathlib.Path, metavar="DATA")
    command.add_argument("out", type=pathlib.Path, metavar="OUT")
    command.add_argument("--epochs", type=int, required=True)
    command.add_argument("--batch-size", type=int, default=128)
    command = commands.add_parser("compare")
    command.set_defaults(run=compare)
    command.add_argument("expected", type=pathlib.Path, metavar="EXPECTED")
    command.add_argument("found", type=pathlib.Path, metavar="FOUND")
    torch.set_num_threads(1)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
