"""The solver's method of multipliers around PyTorch's LBFGS, for docs/solver.md's comparison.

    python src/test/python/inner_solvers.py src/test/resources/solver

Scales, penalties, tolerances and the end are those of org.cooper4j.solver.Method.
"""

import math
import pathlib
import statistics
import sys

import torch

from slsqp import function


def problems(folder):
    for line in (folder / "hock-schittkowski.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, start, optimum, f, h, g = (part.strip() for part in line.split("|"))
            h, g = ([t.strip() for t in texts.split(";") if t.strip()] for texts in (h, g))
            x = torch.tensor([float(value) for value in start.split()], dtype=torch.float64)
            yield name, x, float(optimum), len(h), function([f, *h, *g], len(x))


def solve(start, equalities, values, keep):
    """The objective, how many evaluations the inner solver made, whether the tolerance was met."""
    x = start.clone().requires_grad_(True)
    first = values(x)
    rows = [torch.autograd.grad(value, x, retain_graph=True)[0] for value in first]
    objective_scale = 1 / max(1, rows[0].abs().max().item())
    lengths = torch.stack([row.norm() for row in rows[1:]])
    scales = torch.where(lengths > 1e-8, (1 / lengths).clamp(max=100), 1)
    m = len(scales)
    floor = torch.zeros(m, dtype=torch.float64)
    floor[:equalities] = -math.inf
    multipliers, penalty = torch.zeros(m, dtype=torch.float64), 10.0
    tolerance, previous, evaluations, optimizer = 0.1, math.inf, 0, None

    def lagrangian():
        now = values(x)
        weights = torch.maximum(multipliers + penalty * scales * now[1:], floor)
        term = ((weights - multipliers) * (weights + multipliers)).sum() / (2 * penalty)
        return now.detach(), weights.detach(), objective_scale * now[0] + term

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        value = lagrangian()[2]
        value.backward()
        return value

    for _ in range(60):
        if optimizer is None or not keep:
            optimizer = torch.optim.LBFGS(
                [x], max_iter=500, max_eval=2000, tolerance_change=1e-16, history_size=10,
                line_search_fn="strong_wolfe",
            )
        optimizer.param_groups[0]["tolerance_grad"] = tolerance
        optimizer.step(closure)
        now, weights, value = lagrangian()
        stationarity = torch.autograd.grad(value, x)[0].abs().max().item()
        violation = max(0, *now[1 : 1 + equalities].abs().tolist(), *now[1 + equalities :].tolist())
        residual = (weights - multipliers).abs().max().item() / penalty
        multipliers = weights
        gap = (weights * scales * now[1:]).abs().sum().item() / objective_scale
        loose = min(1, 100 * objective_scale)
        exact = max(violation, stationarity / loose, 10 * gap / max(1, abs(now[0].item())))
        if exact <= 1e-6 or not violation < 1e10:
            return now[0].item(), evaluations, exact <= 1e-6
        if residual > 0.1 * previous:
            penalty = min(10 * penalty, 1e12)
        previous = residual
        tolerance = max(min(0.1 * tolerance, residual), 1e-7 * loose * min(1, scales.min().item()))
    return now[0].item(), evaluations, False


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = (folder / "slsqp.txt").read_text().splitlines()[1:]
    slsqp = {name: int(evaluations) for name, _, evaluations, *_ in map(str.split, lines)}
    for keep in (False, True):
        ratios = []
        for name, start, optimum, equalities, values in problems(folder):
            f, evaluations, solved = solve(start, equalities, values, keep)
            solved &= abs(f - optimum) < 1e-6 * max(1, abs(optimum))
            ratios.append(evaluations / slsqp[name] if solved else math.inf)
        finite = [ratio for ratio in ratios if ratio < math.inf]
        print(
            f"{'kept' if keep else 'made anew'}: {len(finite)} solved, median"
            f" {statistics.median(ratios):.1f}, most {max(finite):.1f}"
        )


main()
