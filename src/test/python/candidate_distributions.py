"""Writes src/test/resources/candidate_distributions.json: the best expected objective and the least
expected violation of any mixture, as find_best_candidate_distribution of TensorFlow Constrained
Optimization defines them, by SciPy's linear programmes. That package needs a TensorFlow of its time;
where it bisects for the least violation, a programme of its own finds it here.

Made with SciPy 1.17.1 and numpy 2.4.6.
"""

import itertools
import json
import pathlib

import numpy
from scipy.optimize import linprog

OUT = pathlib.Path(__file__).parents[1] / "resources/candidate_distributions.json"


def solve(costs, bounded, limit):
    n = len(costs)
    found = linprog(
        costs,
        A_ub=bounded,
        b_ub=limit,
        A_eq=[[1.0] * (n - 1) + [0.0]],
        b_eq=[1.0],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert found.success, found.message
    return found.x


def best(objectives, violations):
    """With t as the last variable: first the least t >= 0, then the least objective at that t."""
    n, m = violations.shape
    bounded = numpy.hstack([violations.T, numpy.full((m, 1), -1.0)])
    least = solve(numpy.append(numpy.zeros(n), 1.0), bounded, numpy.zeros(m))[n]
    weights = solve(
        numpy.append(objectives, 0.0),
        numpy.hstack([violations.T, numpy.zeros((m, 1))]),
        numpy.full(m, max(least, 0) + 1e-12),
    )[:n]
    return weights, max(least, 0)


def cases():
    draw = numpy.random.default_rng(1)
    for n, m, shift in itertools.product((1, 2, 5, 40, 200), (1, 2, 4, 16), (-0.5, 0.0, 1.0)):
        objectives = draw.normal(size=n).round(3)
        violations = (draw.normal(size=(n, m)) + shift).round(3)
        weights, least = best(objectives, violations)
        yield {
            "objectives": objectives.tolist(),
            "violations": violations.tolist(),
            "expected_objective": float(objectives @ weights),
            "least_violation": float(least),
        }


if __name__ == "__main__":
    OUT.write_text(json.dumps(list(cases())) + "\n")
