"""How long an algorithm takes to come within tolerances of feasibility and of the optimum."""

import math
import time

import torch

TOLERANCES = (1e-2, 1e-4, 1e-6)


class Enough(Exception):
    """There is nothing left to learn."""


class Trace:
    """A problem that remembers its evaluations; a point that comes again is no new one."""

    def __init__(self, problem, budget):
        self.problem, self.budget = problem, budget
        self.evaluations, self.reached, self.last = 0, {}, None
        self.key, self.start = None, time.perf_counter()

    def both(self, x):
        """[f, h…, g…] and their Jacobian, at an array."""
        key = x.tobytes()
        if key != self.key:
            values = self.problem.values(x)
            self.note(values)
            self.key, self.found = key, (values, self.problem.jacobian(x))
        return self.found

    def note(self, values):
        self.evaluations += 1
        elapsed = time.perf_counter() - self.start
        objective, optimum = float(values[0]), self.problem.optimum
        h = values[1 : 1 + self.problem.equalities]
        violation = max(0.0, *abs(h), *values[1 + self.problem.equalities :])
        self.last = [self.evaluations, elapsed, objective, violation]
        error = max(violation, abs(objective - optimum) / max(1, abs(optimum)))
        for tolerance in TOLERANCES:
            if error <= tolerance:
                self.reached.setdefault(f"{tolerance:.0e}", [self.evaluations, elapsed])
        usable = math.isfinite(objective) and violation < 1e30
        if len(self.reached) == len(TOLERANCES) or self.evaluations >= self.budget or not usable:
            raise Enough

    def torch(self, x):
        """The same at a tensor that requires grad: loss, h, g with the linear graph of their gradients."""
        values, jacobian = self.both(x.detach().numpy())
        here = torch.from_numpy(jacobian) @ (x - x.detach()) + torch.from_numpy(values)
        e = self.problem.equalities
        return here[0], here[1 : 1 + e], here[1 + e :]


class TrainingTrace:
    """How a training goes, without the time that the measuring takes."""

    def __init__(self, task):
        self.task, self.points = task, []
        self.start = time.perf_counter()
        self.measure(0)

    def measure(self, steps):
        """Notes [steps, seconds, objective, violation]; False if that is no number any more."""
        now = time.perf_counter()
        objective, violation = self.task.measure()
        finite = math.isfinite(objective) and math.isfinite(violation)
        if finite:
            self.points.append([steps, now - self.start, objective, violation])
        self.start += time.perf_counter() - now
        return finite
