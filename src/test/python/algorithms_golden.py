"""Writes src/test/resources/algorithms.json.gz: trajectories of humancompatible-train 0.4.2 on random problems.

    pip install --no-deps humancompatible-train==0.4.2.0
    python src/test/python/algorithms_golden.py

A case holds its problem, min ½ xᵀQx + cᵀx + Σ sin x subject to Ax + ½ k·x² − b (<= or = 0), its options, and after
every step x, the multipliers and the penalties; all in float64.
"""

import gzip
import json
import pathlib
import random

import torch
from humancompatible.train.dual_optim import ALM, PBM, SSG, MoreauEnvelope, iALM

OUT = pathlib.Path(__file__).parents[1] / "resources/algorithms.json.gz"
STEPS, N, M, EPOCH = 40, 4, 3, 8

ALMS = {
    "plain": {"lr": 0.05},
    "plain-momentum": {"lr": 0.03, "momentum": 0.6},
    "quadratic": {"lr": 0.05, "penalty": 0.8, "augmentation": "quadratic"},
    "hpr": {"lr": 0.1, "penalty": 1.5, "augmentation": "hpr"},
    "hpr-lr-is-penalty": {"lr": 0.7, "penalty": 0.7, "augmentation": "hpr"},
    "hpr-capped": {"lr": 0.3, "penalty": 0.5, "augmentation": "hpr", "dual_range": [0.05, 0.6]},
}
SMOOTHED = {
    "sgd": {"mu": 2.0, "beta": 0.5},
    "sgd-period": {"mu": 1.0, "beta": 0.3, "period": 3},
    "adam": {"mu": 0.7, "beta": 0.9},
}
IALMS = {
    "geometric": {"beta": 0.02, "sigma": 1.05, "gamma": 0.1},
    "constant": {"beta": 0.3, "sigma": 1.0, "gamma": 5.0},
    "short-steps": {"beta": 0.5, "sigma": 1.02, "gamma": 0.02},
}
RULES = {"dimin": 0.9, "dimin_dual": 0.95, "dimin_adapt": 0.7, "aimd": 0.8, "alm": 0.5, "const": 0.5}


def problem(draw):
    root = [[draw.uniform(-1, 1) for _ in range(N)] for _ in range(N)]
    root = torch.tensor(root)
    return {
        "Q": (root @ root.T + 0.5 * torch.eye(N)).tolist(),
        "c": [draw.uniform(-2, 2) for _ in range(N)],
        "A": [[draw.uniform(-1, 1) for _ in range(N)] for _ in range(M)],
        "k": [[draw.uniform(0, 0.5) for _ in range(N)] for _ in range(M)],
        "b": [draw.uniform(-0.3, 0.3) for _ in range(M)],
        "x0": [draw.uniform(-1, 1) for _ in range(N)],
        "duals0": [draw.uniform(0.1, 0.5) for _ in range(M)],
    }


def evaluate(data, x):
    t = {key: torch.tensor(value) for key, value in data.items()}
    loss = 0.5 * x @ t["Q"] @ x + t["c"] @ x + x.sin().sum()
    return loss, t["A"] @ x + 0.5 * t["k"] @ x.square() - t["b"]


def run(name, options, make, primal="SGD", lr=0.05, envelope=None, beta=None, **extra):
    data = problem(random.Random(name))
    x = torch.tensor(data["x0"], requires_grad=True)
    optimizer = getattr(torch.optim, primal)([x], lr=lr)
    if envelope:
        envelope = dict(envelope)
        period = envelope.pop("period", 1)
        optimizer = MoreauEnvelope(optimizer, primal_update_process_length=period, **envelope)
        envelope["period"] = period
    dual = make(torch.tensor(data["duals0"]))
    rows = []
    for _ in range(STEPS):
        loss, constraints = evaluate(data, x)
        x.grad = None
        dual.forward_update(loss, constraints).backward()
        optimizer.step()
        row = {"x": x.tolist(), "duals": dual.duals.tolist()}
        if isinstance(dual, PBM):
            row["penalties"] = dual.penalties.tolist()
        if isinstance(dual, iALM):
            row["penalties"] = [dual.param_groups[0]["beta"].item()]
        if isinstance(dual, SSG):
            row["switched"] = dual.last_switched_to_constraints
        rows.append(row)
    if len({json.dumps(row) for row in rows}) < STEPS // 2 or "NaN" in json.dumps(rows):
        raise SystemExit(f"{name} stands still or diverges; draw another problem")
    given = {"primal": primal, "primal_lr": lr, "envelope": envelope, **options, **extra}
    return {"name": name, "problem": data, "options": given, "rows": rows}


def alms():
    for (name, options), inequality in ((item, i) for item in ALMS.items() for i in (True, False)):
        dual_range = options.get("dual_range", [-100.0, 100.0])
        arguments = {**options, "dual_range": tuple(dual_range)}
        yield run(
            f"alm-{name}-{'inequality' if inequality else 'equality'}",
            {**options, "dual_range": dual_range},
            lambda duals: ALM(M, init_duals=duals, is_ineq=inequality, **arguments),
            inequality=inequality,
        )
    for name, envelope in SMOOTHED.items():
        options = {"lr": 0.1, "penalty": 1.0, "augmentation": "hpr"}
        yield run(
            f"ssl-alm-{name}",
            {**options, "dual_range": [-100.0, 100.0]},
            lambda duals: ALM(M, init_duals=duals, is_ineq=True, **options),
            primal="Adam" if name == "adam" else "SGD",
            envelope=envelope,
            inequality=True,
        )


def ialms():
    for (name, options), inequality in ((item, i) for item in IALMS.items() for i in (True, False)):
        yield run(
            f"ialm-{name}-{'inequality' if inequality else 'equality'}",
            options,
            lambda duals: iALM(M, init_duals=duals, is_ineq=inequality, **options),
            inequality=inequality,
        )


def pbms():
    for rule, factor in RULES.items():
        for pbf, annealing in (("quadratic_logarithmic", False), ("quadratic_reciprocal", True)):
            options = {
                "penalty_mult": factor, "gamma": 0.6, "delta": 1.2, "penalty_update": rule, "pbf": pbf,
                "penalty_range": (0.05, 20.0) if rule == "alm" else (0.1, 1.0),
                "gamma_annealing": annealing, "penalty_annealing": annealing,
                "epoch_length": EPOCH, "rho": 2.0 if rule == "alm" else None,
            }  # fmt: skip
            yield run(
                f"pbm-{rule}-{pbf}",
                {**options, "penalty_range": list(options["penalty_range"]), "dual_range": [1e-9, 100.0]},
                lambda duals: PBM(M, init_duals=duals, **options),
                lr=0.01,
            )


def ssgs():
    for name, tolerance, scale in (("plain", 0.0, 1.0), ("scaled", 0.05, 2.5)):
        yield run(
            f"ssg-{name}",
            {"tolerance": tolerance, "scale": scale},
            lambda duals: SSG(M, constraint_tol=tolerance, constraint_scale=scale),
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    cases = [*alms(), *ialms(), *pbms(), *ssgs()]
    content = {"made_with": "humancompatible-train 0.4.2.0", "epoch": EPOCH, "cases": cases}
    OUT.write_bytes(gzip.compress(json.dumps(content).encode() + b"\n", 9, mtime=0))
    print(len(cases), "cases", OUT.stat().st_size, "bytes")
