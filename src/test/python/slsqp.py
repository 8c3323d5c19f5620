"""Writes how SciPy's SLSQP solves the Hock-Schittkowski problems, with exact gradients.

    python src/test/python/slsqp.py src/test/resources/solver

Reads hock-schittkowski.txt there, writes slsqp.txt: name, iterations, evaluations of the objective,
of its gradient, objective, largest violation. The tolerance is SciPy's default.
"""

import pathlib
import sys

import numpy
import scipy
import torch
from scipy.optimize import minimize

FUNCTIONS = {"log": torch.log, "sin": torch.sin}


def function(texts, n):
    code = [compile(text.replace("^", "**"), text, "eval") for text in texts]

    def values(x):
        names = FUNCTIONS | {f"x{i + 1}": x[i] for i in range(n)}
        return torch.stack([eval(c, names) for c in code])

    return values


def both(texts, n, sign):
    values = function(texts, n)

    def number(x):
        return sign * values(torch.tensor(x)).numpy()

    def jacobian(x):
        return sign * torch.autograd.functional.jacobian(values, torch.tensor(x)).numpy()

    return number, jacobian


def solve(line):
    name, start, _, objective, equalities, inequalities = (
        part.strip() for part in (line.rstrip("\n") + " ").split("|")
    )
    x = numpy.array([float(value) for value in start.split()])
    f, gradient = both([objective], len(x), 1)
    constraints, violations = [], []
    for kind, texts, sign in (("eq", equalities, 1), ("ineq", inequalities, -1)):
        texts = [text.strip() for text in texts.split(";") if text.strip()]
        if texts:
            values, jacobian = both(texts, len(x), sign)
            constraints.append({"type": kind, "fun": values, "jac": jacobian})
            violations.append((abs if kind == "eq" else numpy.negative, values))
    result = minimize(
        lambda x: f(x)[0],
        x,
        jac=lambda x: gradient(x)[0],
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 1000},
    )
    worst = max(max(0.0, *sign(values(result.x))) for sign, values in violations)
    return f"{name} {result.nit} {result.nfev} {result.njev} {result.fun:.12g} {worst:.1e}"


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = (folder / "hock-schittkowski.txt").read_text().splitlines()
    rows = [solve(line) for line in lines if line and not line.startswith("#")]
    head = f"# SciPy {scipy.__version__}: name | iterations | evaluations | gradients | f | violation"
    (folder / "slsqp.txt").write_text("\n".join([head, *rows]) + "\n")


if __name__ == "__main__":
    main()
