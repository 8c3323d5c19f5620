"""The deterministic problems, as org.cooper4j.comparison.Published has them.

    min f(x)  subject to  h(x) = 0,  g(x) <= 0
"""

import dataclasses
import functools
import math
import pathlib
import typing

import numpy
import sympy
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Problem:
    name: str
    start: numpy.ndarray
    equalities: int
    inequalities: int
    optimum: float
    values: typing.Callable  # x -> [f, h…, g…]
    jacobian: typing.Callable  # x -> their gradients, a row each
    formulas: list = dataclasses.field(default_factory=list)  # the same for sympy, if there are


def lines(path):
    text = (ROOT / path).read_text().splitlines()
    return [line for line in text if line.strip() and not line.startswith("#")]


def read(file):
    for line in lines(f"src/test/resources/solver/{file}"):
        name, start, optimum, f, h, g = (part.strip() for part in (line + " ").split("|"))
        start = numpy.array([float(value) for value in start.split()])
        x = sympy.symbols(f"x1:{len(start) + 1}")
        h, g = ([text for text in texts.split(";") if text.strip()] for texts in (h, g))
        formulas = [sympy.sympify(text.replace("^", "**")) for text in (f, *h, *g)]
        gradients = sympy.Matrix(formulas).jacobian(x).tolist()
        yield Problem(
            name,
            start,
            len(h),
            len(g),
            float(optimum),
            of_formulas(x, formulas),
            of_formulas(x, gradients),
            formulas,
        )


def of_formulas(x, formulas):
    function = sympy.lambdify(x, formulas, modules="math", cse=True)
    return lambda at: numpy.array(function(*at.tolist()), dtype=float)


def normal(*shape):
    return torch.randn(*shape).double()


def quadratic(n, m, condition, active):
    torch.manual_seed(n + m + active)
    basis = torch.linalg.qr(normal(n, n)).Q
    eigenvalues = torch.linspace(0, math.log(condition), n).double().exp()
    p = (basis * eigenvalues) @ basis.T
    a, solution = normal(m, n), normal(n)
    is_active = (torch.arange(m) < active).double()
    multipliers = normal(m).abs() * is_active
    slack = (normal(m).abs() + 0.1) * (1 - is_active)
    b = a @ solution + slack
    c = -(p @ solution + a.T @ multipliers)
    p, a, b, c, solution = (t.numpy() for t in (p, a, b, c, solution))

    def values(x):
        return numpy.append(0.5 * x @ p @ x + c @ x, a @ x - b)

    return Problem(
        f"QP {n} × {m}, condition {condition:.0e}, {active} active",
        numpy.zeros(n),
        0,
        m,
        values(solution)[0],
        values,
        lambda x: numpy.vstack([p @ x + c, a]),
    )


def iris():
    rows = [line.split(",") for line in lines("examples/data/iris/iris.csv")]
    inputs = numpy.array([[*map(float, row[:4]), 1.0] for row in rows])
    signed = numpy.array([[-1.0 if row[4] == "setosa" else 1.0] for row in rows]) * inputs
    weights = numpy.array([1.0, 1, 1, 1, 0])
    return Problem(
        "SVM, Iris",
        numpy.zeros(5),
        0,
        len(rows),
        0.7480579265368756,
        lambda x: numpy.append(0.5 * (weights * x) @ x, 1 - signed @ x),
        lambda x: numpy.vstack([weights * x, -signed]),
    )


@functools.cache
def all_problems():
    return [
        *read("hock-schittkowski.txt"),
        *read("quadratic-programs.txt"),
        quadratic(20, 10, 10, 0),
        quadratic(20, 10, 10, 5),
        quadratic(50, 40, 100, 20),
        quadratic(50, 40, 10_000, 20),
        quadratic(200, 100, 100, 60),
        iris(),
    ]
