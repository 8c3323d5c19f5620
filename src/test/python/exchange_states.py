"""The live exchange of optimizers and schedulers alone: every class of torch.optim and its lr_scheduler.

    exchange_states.py start  FOLDER    Python runs steps 0 … 4, writes FOLDER/NAME.start.pt
    (Java)                              loads each, writes FOLDER/NAME.java.pt, and where it has the schedule or the
                                        optimizer, goes on by 3 steps and writes FOLDER/NAME.stepped.pt; starts runs
                                        of its own, FOLDER/NAME.born.pt
    exchange_states.py finish FOLDER    goes on from all of them; what follows has to be what follows without Java

A file is {"x": tensor, "opt": state_dict, "sched": state_dict or None, "steps": int}. Rates are compared by ==,
param_groups by keys, order, types and values.
"""

import argparse
import copy
import pathlib
import sys
import warnings

import torch
from torch.optim import lr_scheduler as ls
from torch.optim.swa_utils import SWALR

START, JAVA, REST = 5, 3, 6


def sgd(params):
    return torch.optim.SGD(params, lr=0.1, momentum=0.9)


def sequential(opt):
    parts = [ls.ConstantLR(opt, 0.1, 2), ls.ExponentialLR(opt, 0.9)]
    return ls.SequentialLR(opt, parts, milestones=[2])


class Halving:
    """A callable whose state LambdaLR saves."""

    def __init__(self):
        self.factor = 0.5

    def __call__(self, epoch):
        return self.factor**epoch


SCHEDULERS = {
    "lambda": lambda o: ls.LambdaLR(o, lambda e: 0.9**e),
    "lambda_object": lambda o: ls.LambdaLR(o, Halving()),
    "multiplicative": lambda o: ls.MultiplicativeLR(o, lambda e: 0.95),
    "step": lambda o: ls.StepLR(o, step_size=2, gamma=0.7),
    "multi_step": lambda o: ls.MultiStepLR(o, milestones=[2, 6, 6, 9], gamma=0.3),
    "constant": lambda o: ls.ConstantLR(o, factor=0.3, total_iters=7),
    "linear": lambda o: ls.LinearLR(o, start_factor=0.25, total_iters=9),
    "exponential": lambda o: ls.ExponentialLR(o, gamma=0.9),
    "sequential": sequential,
    "polynomial": lambda o: ls.PolynomialLR(o, total_iters=11, power=1.5),
    "cosine": lambda o: ls.CosineAnnealingLR(o, T_max=6, eta_min=0.003),
    "chained": lambda o: ls.ChainedScheduler([ls.LinearLR(o), ls.ExponentialLR(o, 0.9)]),
    "plateau": lambda o: ls.ReduceLROnPlateau(o, patience=1, factor=0.5),
    "cyclic": lambda o: ls.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=4),
    "restarts": lambda o: ls.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
    "onecycle": lambda o: ls.OneCycleLR(o, max_lr=0.1, total_steps=20),
    "swa": lambda o: SWALR(o, swa_lr=0.05),
}

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "SGD_foreach": lambda p: torch.optim.SGD(named(p), lr=0.05, momentum=0.9, nesterov=True, foreach=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.0),
    "Adam_fused": lambda p: torch.optim.Adam(p, lr=0.05, betas=[0.8, 0.99], amsgrad=True, fused=True),
    "Adam_tensor_lr": lambda p: torch.optim.Adam(p, lr=torch.tensor(0.05, dtype=torch.float64)),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.05),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.05, momentum=0.5, centered=True),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05, lr_decay=0.01),
    "LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.5, max_iter=2, history_size=3),
    "Adadelta": lambda p: torch.optim.Adadelta(p),
    "Adafactor": lambda p: torch.optim.Adafactor(p),
    "Adamax": lambda p: torch.optim.Adamax(p),
    "ASGD": lambda p: torch.optim.ASGD(p),
    "NAdam": lambda p: torch.optim.NAdam(p),
    "RAdam": lambda p: torch.optim.RAdam(p),
    "Rprop": lambda p: torch.optim.Rprop(p),
    "SparseAdam": lambda p: torch.optim.SparseAdam(p),
    "Muon": lambda p: torch.optim.Muon(p),
}


def named(params):
    return [(f"layer.{i}", p) for i, p in enumerate(params)]


class Run:
    def __init__(self, name):
        self.name = name
        shape = (3, 4) if name == "Muon" else (12,)
        self.x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(shape).requires_grad_()
        self.opt = OPTIMIZERS.get(name, sgd)([self.x])
        self.sched = SCHEDULERS[name](self.opt) if name in SCHEDULERS else None
        self.steps = 0

    def load(self, saved):
        saved = copy.deepcopy(saved)  # CyclicLR takes keys out of it
        with torch.no_grad():
            self.x.copy_(saved["x"])
        self.opt.load_state_dict(saved["opt"])
        if self.sched:
            self.sched.load_state_dict(saved["sched"])
        self.steps = saved["steps"]
        return self

    def save(self):
        sched = self.sched.state_dict() if self.sched else None
        return {"x": self.x.detach(), "opt": self.opt.state_dict(), "sched": sched, "steps": self.steps}

    def closure(self):
        self.opt.zero_grad()
        loss = (self.x**2).sum()
        loss.backward()
        if self.name == "SparseAdam":
            self.x.grad = self.x.grad.to_sparse()
        return loss

    def advance(self, count, schedule=True):
        rates = []
        for _ in range(count):
            self.opt.step(self.closure)
            if self.sched and schedule:
                plateau = isinstance(self.sched, ls.ReduceLROnPlateau)
                self.sched.step(1.0) if plateau else self.sched.step()
            self.steps += 1
            rates.append([float(group["lr"]) for group in self.opt.param_groups])
        return rates


def same(expected, found, path):
    """Yields a line wherever found is not expected, to the last digit, type and place."""
    if type(expected) is not type(found):
        yield f"{path}: expected {type(expected).__name__} {expected!r}, came {type(found).__name__} {found!r}"
    elif isinstance(expected, dict):
        if list(expected) != list(found):
            yield f"{path}: expected the keys {list(expected)}, came {list(found)}"
        for key in expected.keys() & found.keys():
            yield from same(expected[key], found[key], f"{path}.{key}")
    elif isinstance(expected, (list, tuple)):
        if len(expected) != len(found):
            yield f"{path}: expected {len(expected)} items, came {len(found)}"
        for i, pair in enumerate(zip(expected, found)):
            yield from same(*pair, f"{path}[{i}]")
    elif isinstance(expected, torch.Tensor):
        if expected.dtype != found.dtype or not torch.equal(expected, found):
            yield f"{path}: expected {expected}, came {found}"
    elif expected != found:
        yield f"{path}: expected {expected!r}, came {found!r}"


def start(folder):
    for name in [*SCHEDULERS, *OPTIMIZERS]:
        run = Run(name)
        run.advance(START)
        torch.save(run.save(), folder / f"{name}.start.pt")
    return []


def born(name, folder):
    """The states of a fresh run, as Java's are to be."""
    run = Run(name)
    run.advance(START)
    found = torch.load(folder / f"{name}.born.pt")
    other = Run(name)
    other.load(found)
    yield from same(run.sched.state_dict(), other.sched.state_dict(), f"{name}.born.sched")
    yield from same(run.advance(REST), other.advance(REST), f"{name}.born: rates")


def finish(folder):
    for name in [*SCHEDULERS, *OPTIMIZERS]:
        begun = torch.load(folder / f"{name}.start.pt")
        java = torch.load(folder / f"{name}.java.pt")
        for part in ("opt", "sched"):
            yield from same(begun[part], java[part], f"{name}.{part}")
        expected, resumed = Run(name).load(begun), Run(name).load(java)
        yield from same(expected.advance(REST), resumed.advance(REST), f"{name}: rates")
        yield from same(expected.save(), resumed.save(), f"{name} at the end")
        if (folder / f"{name}.stepped.pt").exists():
            stepped = torch.load(folder / f"{name}.stepped.pt")
            expected, resumed = Run(name).load(begun), Run(name).load(stepped)
            expected.advance(JAVA, schedule=stepped["scheduled"])
            for part in ("param_groups",):
                yield from same(expected.save()["opt"][part], stepped["opt"][part], f"{name} stepped: {part}")
            if expected.sched:
                yield from same(expected.sched.state_dict(), resumed.sched.state_dict(), f"{name} stepped: sched")
            if not torch.allclose(expected.x, resumed.x, rtol=1e-12, atol=1e-12):
                yield f"{name} stepped: expected x = {expected.x}, came {resumed.x}"
            yield from same(expected.advance(REST), resumed.advance(REST), f"{name} stepped: rates")
        if (folder / f"{name}.born.pt").exists():
            yield from born(name, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = {"start": start, "finish": finish}
    parser.add_argument("command", choices=commands)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    found = list(commands[arguments.command](arguments.folder))
    print("\n".join(found) or "ok")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
