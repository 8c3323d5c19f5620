"""Draws the random data of a case.

Python's own generator, seeded by the case's name, keeps a case as it is when others come.
"""

import random
import zlib

STEPS = 50
N = 6

DEFAULTS = {
    "SGD": {"lr": 0.05, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False},
    "Adam": {"lr": 0.05, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False},
    "AdamW": {
        "lr": 0.05,
        "betas": [0.9, 0.999],
        "eps": 1e-8,
        "weight_decay": 0.01,
        "amsgrad": False,
    },
    "RMSprop": {
        "lr": 0.02,
        "alpha": 0.99,
        "eps": 1e-8,
        "weight_decay": 0.0,
        "momentum": 0.0,
        "centered": False,
    },
    "Adagrad": {
        "lr": 0.1,
        "lr_decay": 0.0,
        "weight_decay": 0.0,
        "initial_accumulator_value": 0.0,
        "eps": 1e-10,
    },
    "ExtraSGD": {
        "lr": 0.05,
        "momentum": 0.0,
        "dampening": 0.0,
        "weight_decay": 0.0,
        "nesterov": False,
    },
    "ExtraAdam": {
        "lr": 0.05,
        "betas": [0.9, 0.999],
        "eps": 1e-8,
        "weight_decay": 0.0,
        "amsgrad": False,
    },
    "nuPI": {
        "lr": 0.05,
        "weight_decay": 0.0,
        "Kp": 0.0,
        "Ki": 1.0,
        "ema_nu": 0.0,
        "init_type": "SGD",
    },
}


def options(kind, **given):
    unknown = given.keys() - DEFAULTS[kind].keys()
    if unknown:
        raise ValueError(
            f"{kind} has no options {sorted(unknown)}; it has {sorted(DEFAULTS[kind])}"
        )
    return {**DEFAULTS[kind], **given}


def optimizer(kind, params=None, **given):
    """One parameter group; params None means all primal (or all dual) parameters."""
    return {"type": kind, "groups": [{"params": params, "options": options(kind, **given)}]}


class CaseBuilder:
    def __init__(self, name, *, split=0, sin=False, loss=True, steps=STEPS):
        self.rng = random.Random(zlib.crc32(name.encode()))
        self.steps = steps
        self.feasible = self.vector(N)
        matrix = self.matrix(N, N)
        q = [
            [
                round(sum(a * b for a, b in zip(row, other)) / N + (i == j), 4)
                for j, other in enumerate(matrix)
            ]
            for i, row in enumerate(matrix)
        ]
        self.case = {
            "name": name,
            "steps": steps,
            "problem": {
                "n": N,
                "x0": self.vector(N),
                "split": split,
                "loss": loss,
                "Q": q,
                "c": [round(value + self.rng.gauss(0, 1.5), 4) for value in self.feasible],
                "sin": sin,
            },
            "multipliers": {},
            "penalties": {},
            "constraints": [],
            "updater": None,
            "lr_schedule": None,
        }

    def vector(self, size, scale=1.0):
        return [round(self.rng.gauss(0, scale), 4) for _ in range(size)]

    def matrix(self, rows, columns, scale=1.0):
        return [self.vector(columns, scale) for _ in range(rows)]

    def positive(self, size, low, high):
        return [round(self.rng.uniform(low, high), 4) for _ in range(size)]

    def constraint(
        self, kind, formulation="Lagrangian", *, multiplier="Dense", penalty=None, share=None,
        name=None, m=None, quadratic=True, surrogate=False, indices=None, strict_indices=None,
        primal=None, dual=None, scalar=False,
    ):  # fmt: skip
        """Adds a constraint of m entries, with multiplier and penalty coefficient of its own.

        multiplier: Dense, Indexed or Implicit; share names another constraint's instead.
        penalty: (Dense or Indexed, scalar or vector[, init]). indices: see _pick. primal, dual: see
        _flags.
        """
        case = self.case
        name = name or ("ineq" if kind == "INEQUALITY" else "eq")
        m = m or (1 if scalar else 4 if kind == "INEQUALITY" else 2)
        a = self.matrix(m, N, 0.5)
        b_matrix, q = (self.matrix(m, N, 0.5), self.vector(m, 0.2)) if quadratic else (None, None)
        at_feasible = [
            sum(r * x for r, x in zip(a[i], self.feasible))
            + (
                q[i] * sum(r * x * x for r, x in zip(b_matrix[i], self.feasible))
                if quadratic
                else 0.0
            )
            for i in range(m)
        ]
        slack = 0.1 if kind == "INEQUALITY" else 0.0
        spec = {
            "name": name,
            "type": kind,
            "formulation": formulation,
            "multiplier": None,
            "penalty": None,
            "A": a,
            "b": [round(value + slack, 4) for value in at_feasible],
            "q": q,
            "B": b_matrix,
            "surrogate": None,
            "features": None,
            "indices": self._indices(indices, m),
            "strict_indices": self._indices(strict_indices, m),
            "scalar": scalar,
            "primal": self._flags(primal),
            "dual": self._flags(dual),
        }
        if surrogate:
            surrogate_a = [[round(value + self.rng.gauss(0, 0.1), 4) for value in row] for row in a]
            spec["surrogate"] = {
                "A": surrogate_a,
                "b": [round(value + 0.05, 4) for value in spec["b"]],
            }
        if formulation != "QuadraticPenalty":
            spec["multiplier"] = share or self._multiplier(name, kind, multiplier, m)
            if multiplier == "Implicit":
                spec["features"] = self.matrix(m, 3)
        if penalty is not None:
            spec["penalty"] = f"c_{name}"
            case["penalties"][spec["penalty"]] = self._penalty(m, *penalty)
        case["constraints"].append(spec)
        return self

    def _multiplier(self, name, kind, multiplier, m):
        key = f"lambda_{name}"
        inequality = kind == "INEQUALITY"
        if multiplier == "Implicit":
            spec = {"weight": self.vector(3, 0.3), "bias": 0.5, "relu": inequality}
        else:
            spec = {"init": self.positive(m, 0.0, 0.5) if inequality else self.vector(m, 0.3)}
        self.case["multipliers"][key] = {"kind": multiplier, "constraint_type": kind, **spec}
        return key

    def _penalty(self, m, kind, shape, init=None):
        if init is None:
            init = 1.5 if shape == "scalar" else self.positive(m, 0.5, 2.0)
        elif shape == "vector":
            init = [init] * m
        return {"kind": kind, "init": init}

    def _indices(self, how, m):
        return None if how is None else [self._pick(how, m) for _ in range(self.steps)]

    def _pick(self, how, m):
        """distinct: 1 to m of them; repeats: m + 1, so one comes twice; permuted: all of them."""
        if how == "repeats":
            return [self.rng.randrange(m) for _ in range(m + 1)]
        return self.rng.sample(range(m), m if how == "permuted" else self.rng.randint(1, m))

    def _flags(self, every):
        """every = (period, first): true at steps first, first + period, …; period None is never."""
        if every is None:
            return None
        period, first = every
        return [
            period is not None and step >= first and (step - first) % period == 0
            for step in range(self.steps)
        ]

    def updater(self, kind, **given):
        step = {"growth_factor": 1.02} if kind == "Multiplicative" else {"increment": 0.02}
        self.case["updater"] = {
            "type": kind,
            **step,
            "violation_tolerance": 1e-4,
            "has_restart": False,
            **given,
        }
        return self

    def schedule(self, *changes):
        self.case["lr_schedule"] = [
            {"step": step, "primal": primal, "dual": dual} for step, primal, dual in changes
        ]
        return self

    def roll(self, kind, primal, dual=None, compute_violations=False):
        case = self.case
        case["optimizer"] = {"kind": kind, "compute_violations": compute_violations}
        names = ["x1", "x2"] if case["problem"]["split"] else ["x"]
        case["primal_optimizers"] = _assign(primal, names)
        names = []
        for key, spec in case["multipliers"].items():
            names += (
                [f"{key}.linear.weight", f"{key}.linear.bias"]
                if spec["kind"] == "Implicit"
                else [f"{key}.weight"]
            )
        case["dual_optimizers"] = None if dual is None else _assign(dual, names)
        return case


def _assign(optimizers, names):
    optimizers = optimizers if isinstance(optimizers, list) else [optimizers]
    for spec in optimizers:
        for group in spec["groups"]:
            if group["params"] is None:
                group["params"] = names
    return optimizers
