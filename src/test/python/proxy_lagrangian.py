"""Writes src/test/resources/proxy_lagrangian.json: trajectories of Algorithm 2 of Cotter, Jiang and
Sridharan, "Two-Player Games for Efficient Non-Convex Constrained Optimization" (ALT 2019), in numpy
alone, from the paper's equations. Two of the cases start and bound the matrix as TensorFlow Constrained
Optimization does.

The problem: min |x - a|^2 with the proxies B x - c <= 0, of which the strict violations are rounded to
quarters, so that they have no gradient.

Made with numpy 2.4.6.
"""

import json
import pathlib

import numpy

OUT = pathlib.Path(__file__).parents[1] / "resources/proxy_lagrangian.json"


def stationary(matrix):
    """lambda with M lambda = lambda and sum 1."""
    n = len(matrix)
    equations = numpy.vstack([matrix - numpy.eye(n), numpy.ones(n)])
    return numpy.linalg.lstsq(equations, numpy.append(numpy.zeros(n), 1.0), rcond=None)[0]


def run(random, constraints, initial_radius, minimum_radius, primal_rate, dual_rate, steps=120):
    n = constraints + 1
    a, b = random.normal(size=3), random.normal(size=(constraints, 3))
    c = random.normal(size=constraints) - 0.5
    x = random.normal(size=3)
    matrix = numpy.full((n, n), initial_radius / n)
    matrix[0] = 1 - initial_radius * constraints / n
    case = {
        "a": a.tolist(), "b": b.tolist(), "c": c.tolist(), "x": x.tolist(),
        "initial_radius": initial_radius, "minimum_radius": minimum_radius,
        "primal_rate": primal_rate, "dual_rate": dual_rate, "trajectory": [],
    }  # fmt: skip
    for _ in range(steps):
        weights = stationary(matrix)
        proxies = b @ x - c
        strict = numpy.round(4 * proxies) / 4
        gradient = weights[0] * 2 * (x - a) + weights[1:] @ b
        x = x - primal_rate * gradient
        reward = numpy.append(0.0, strict)
        matrix = matrix * numpy.exp(dual_rate * numpy.outer(reward, weights))
        matrix /= matrix.sum(axis=0)
        if minimum_radius > 0:
            matrix = numpy.maximum(matrix, minimum_radius / n)
            matrix /= matrix.sum(axis=0)
        case["trajectory"].append([*x, *stationary(matrix)])
    return case


if __name__ == "__main__":
    draw = numpy.random.default_rng(7)
    cases = [
        run(draw, 1, 1.0, 0.0, 0.1, 0.3),
        run(draw, 3, 1.0, 0.0, 0.05, 0.2),
        run(draw, 3, 1e-3, 1e-3, 0.05, 0.5),
        run(draw, 6, 0.5, 1e-2, 0.1, 1.0),
    ]
    OUT.write_text(json.dumps(cases) + "\n")
