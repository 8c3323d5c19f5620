"""Writes src/test/resources/candidates.json: which candidate find_best_candidate_index of TensorFlow Constrained
Optimization chooses. That package needs a TensorFlow of its time; this follows the definition in its docstring, by
counting instead of sorting."""

import itertools
import json
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parents[1] / "resources/candidates.json"


def ranks(values):
    """1 + how many are smaller, so that equal ones share the lowest rank."""
    return 1 + (values[None, :] < values[:, None]).sum(axis=1)


def best(objectives, violations, rank_objectives, max_constraints):
    ranked = violations.max(axis=1, keepdims=True) if max_constraints else violations
    columns = [ranks(np.maximum(column, 0)) for column in ranked.T]
    if rank_objectives:
        columns.append(ranks(objectives))
    worst = np.stack(columns).max(axis=0)
    # The tie goes to the lower objective, then to the candidate that was looked at last.
    return min(range(len(objectives)), key=lambda i: (worst[i], objectives[i], -i))


def cases():
    draw = np.random.default_rng(0)
    for n, m, levels in itertools.product((1, 2, 5, 40), (1, 3), (2, 5, None)):
        objectives, violations = draw.normal(size=n).round(3), draw.normal(size=(n, m)).round(3)
        if levels is not None:  # many equal values, and not all of them feasible
            objectives = draw.integers(levels, size=n).astype(float)
            violations = draw.integers(levels, size=(n, m)) - draw.integers(2)
        for options in itertools.product((True, False), repeat=2):
            yield {
                "objectives": objectives.tolist(),
                "violations": violations.astype(float).tolist(),
                "rank_objectives": options[0],
                "max_constraints": options[1],
                "best": best(objectives, violations, *options),
            }


if __name__ == "__main__":
    OUT.write_text(json.dumps(list(cases())) + "\n")
