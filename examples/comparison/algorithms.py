"""Others' algorithms on all problems: a JSON line for each run.

    python algorithms.py [--quick] [--only PROBLEM;PROBLEM] OUTPUT

It goes on where it was stopped. What is not found (humancompatible-train, ensmallen) is left out.
Settings are those of org.cooper4j.comparison.Algorithm where there are counterparts.
"""

import argparse
import json
import pathlib
import warnings

import numpy
import torch
from scipy.optimize import NonlinearConstraint, minimize

import ensmallen
from packages import Group, all_algorithms
from problems import all_problems
from trace import Enough, Trace, TrainingTrace
from trainings import all_uses

# Of Adam's rates, which a training has one of, and of factors on an algorithm's untuned knob; the
# first is the untuned setting.
GRID = [(rate, factor) for rate in (0.01, 0.05) for factor in (1, 0.1, 10)]
TUNED = 2_000  # evaluations, at all settings but the untuned one: a step takes 10 times ours
MEASURES = 40  # of a training, on all data
QUICK = ("HS21", "HS28", "HS43", "MNIST, norm")


def slsqp(trace):
    e, m = trace.problem.equalities, trace.problem.inequalities
    parts = (("eq", slice(1, 1 + e), 1), ("ineq", slice(1 + e, None), -1))
    minimize(
        lambda x: trace.both(x)[0][0],
        trace.problem.start,
        jac=lambda x: trace.both(x)[1][0],
        constraints=[
            {
                "type": kind,
                "fun": lambda x, part=part, sign=sign: sign * trace.both(x)[0][part],
                "jac": lambda x, part=part, sign=sign: sign * trace.both(x)[1][part],
            }
            for (kind, part, sign), size in zip(parts, (e, m))
            if size
        ],
        method="SLSQP",
        options={"maxiter": 10_000, "ftol": 1e-12},
    )


def trust_constr(trace):
    e, m = trace.problem.equalities, trace.problem.inequalities
    constraint = NonlinearConstraint(
        lambda x: trace.both(x)[0][1:],
        numpy.concatenate([numpy.zeros(e), numpy.full(m, -numpy.inf)]),
        numpy.zeros(e + m),
        jac=lambda x: trace.both(x)[1][1:],
    )
    minimize(
        lambda x: trace.both(x)[0][0],
        trace.problem.start,
        jac=lambda x: trace.both(x)[1][0],
        constraints=[constraint],
        method="trust-constr",
        options={"maxiter": 2000, "gtol": 1e-9, "xtol": 1e-12},
    )


class Deterministic:
    """A problem as a task, each of whose evaluations is traced."""

    def __init__(self, trace):
        self.trace = trace
        self.x = torch.tensor(trace.problem.start, requires_grad=True)
        self.variables = [self.x]
        sizes = (trace.problem.equalities, trace.problem.inequalities)
        self.groups = [
            Group(name, name == "h", size, torch.float64) for name, size in zip("hg", sizes) if size
        ]

    def evaluate(self, batch):
        loss, h, g = self.trace.torch(self.x)
        violations = {"h": (h, None), "g": (g, None)}
        return loss, {group.name: violations[group.name] for group in self.groups}


def solve(problem, budget, algorithm):
    trace = Trace(problem, budget)
    try:
        algorithm(trace)
    except Enough:
        pass
    except (ValueError, RuntimeError, numpy.linalg.LinAlgError) as error:
        print(f"{problem.name}: {error}")
    return {"reached": trace.reached, "points": [trace.last]}


def descend(algorithm, rate, knob):
    def run(trace):
        step = algorithm.make(Deterministic(trace), rate, knob)
        for _ in range(trace.budget):  # a step that stays where it is makes no evaluation
            step(None)

    return run


def train(use, steps, algorithm, knob):
    task = use.start()
    step = algorithm.make(task, use.rate, knob)
    trace = TrainingTrace(task)
    for done, batch in zip(range(1, steps + 1), task.batches()):
        step(batch)
        if done % (steps // MEASURES) == 0 and not trace.measure(done):
            break
    return {"reached": {}, "points": trace.points}


class Results:
    """A file of JSON lines that knows what it has."""

    def __init__(self, path):
        self.path, whole = path, []
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                json.loads(line)
                whole.append(line)
            except ValueError:  # where a run was stopped
                break
        path.write_text("".join(line + "\n" for line in whole))
        self.done = {self.key(**json.loads(line)) for line in whole}

    @staticmethod
    def key(problem, algorithm, setting, **others):
        return problem, algorithm, *sorted(setting.items())

    def add(self, problem, algorithm, setting, untuned, run):
        key = self.key(problem, algorithm, setting)
        if key not in self.done:
            line = {"problem": problem, "algorithm": algorithm, "setting": setting}
            text = json.dumps({**line, "untuned": untuned, **run()})
            with open(self.path, "a") as file:
                file.write(text + "\n")
            self.done.add(key)


def compare(problem, budget, grid, results):
    for name, algorithm in (("SciPy SLSQP", slsqp), ("SciPy trust-constr", trust_constr)):
        results.add(problem.name, name, {}, True, lambda: solve(problem, budget, algorithm))
    for algorithm in all_algorithms():
        if problem.equalities and not algorithm.equalities:
            continue
        for rate, factor in grid:
            knob = float(factor * algorithm.untuned)
            untuned = (rate, factor) == GRID[0]
            most = budget if untuned else min(budget, TUNED)
            setting = {"rate": rate, algorithm.knob: knob}
            run = descend(algorithm, rate, knob)
            results.add(
                problem.name, algorithm.name, setting, untuned, lambda: solve(problem, most, run)
            )


def compare_training(use, steps, grid, results):
    for algorithm in all_algorithms():
        if use.equalities and not algorithm.equalities:
            continue
        for factor in dict.fromkeys(factor for _, factor in grid):
            knob = float(factor * algorithm.untuned)
            setting = {"rate": use.rate, algorithm.knob: knob}
            results.add(
                use.name, algorithm.name, setting, factor == 1, lambda: train(use, steps, algorithm, knob)
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="names of problems; all without")
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    budget, grid = (300, GRID[:1]) if options.quick else (10_000, GRID)
    wanted = QUICK if options.quick else [name for name in options.only.split(";") if name]
    results = Results(options.output)
    problems = [p for p in all_problems() if not wanted or p.name in wanted]
    uses = [use for use in all_uses() if not wanted or use.name in wanted]
    for problem, result in ensmallen.run(problems, budget):
        results.add(problem, "ensmallen AugLagrangian", {}, True, lambda: result)
    for part in (grid[:1], grid):  # where it is stopped, the untuned settings were first
        for problem in problems:
            compare(problem, budget, part, results)
        for use in uses:
            compare_training(use, MEASURES if options.quick else use.steps, part, results)


if __name__ == "__main__":
    main()
