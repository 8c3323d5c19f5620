"""Others' algorithms on the deterministic problems: a JSON line for each run.

    python algorithms.py [--quick] OUTPUT

What is not found (humancompatible-train, ensmallen) is left out. Settings are those of
org.cooper4j.comparison.Algorithm where there are counterparts.
"""

import argparse
import json
import warnings

import cooper
import numpy
import torch
from scipy.optimize import NonlinearConstraint, minimize

import ensmallen
from problems import all_problems
from trace import Enough, Trace

try:
    from humancompatible.train.dual_optim import ALM, PBM, SSG, MoreauEnvelope, iALM
except ImportError:
    ALM = None

RATE = 0.01
QUICK = ("HS21", "HS28", "HS43")


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


class Cooper(cooper.ConstrainedMinimizationProblem):
    def __init__(self, trace, x, formulation, coefficient):
        super().__init__()
        self.trace, self.x, self.parts = trace, x, {}
        for name, kind, size in (
            ("h", cooper.ConstraintType.EQUALITY, trace.problem.equalities),
            ("g", cooper.ConstraintType.INEQUALITY, trace.problem.inequalities),
        ):
            if size:
                options = {}
                if coefficient:
                    options["penalty_coefficient"] = (
                        cooper.penalty_coefficients.DensePenaltyCoefficient(
                            init=torch.full((size,), float(coefficient), dtype=torch.float64)
                        )
                    )
                constraint = cooper.Constraint(
                    constraint_type=kind,
                    formulation_type=formulation,
                    multiplier=cooper.multipliers.DenseMultiplier(
                        num_constraints=size, dtype=torch.float64
                    ),
                    **options,
                )
                setattr(self, name, constraint)
                self.parts[name] = constraint

    def compute_cmp_state(self):
        loss, h, g = self.trace.torch(self.x)
        violations = {"h": h, "g": g}
        observed = {
            constraint: cooper.ConstraintState(violation=violations[name])
            for name, constraint in self.parts.items()
        }
        return cooper.CMPState(loss=loss, observed_constraints=observed)


def of_cooper(formulation, coefficient=None, updater=False):
    def run(trace):
        x = torch.tensor(trace.problem.start, requires_grad=True)
        problem = Cooper(trace, x, formulation, coefficient)
        optimizer = cooper.optim.SimultaneousOptimizer(
            problem,
            torch.optim.Adam([x], lr=RATE),
            torch.optim.SGD(problem.dual_parameters(), lr=0.1, maximize=True),
        )
        grow = cooper.penalty_coefficients.MultiplicativePenaltyCoefficientUpdater()
        while True:
            out = optimizer.roll()
            if updater:
                grow.step(out.cmp_state.observed_constraints)

    return run


def of_humancompatible(make, envelope=False):
    def run(trace):
        sizes = (trace.problem.equalities, trace.problem.inequalities)
        x = torch.tensor(trace.problem.start, requires_grad=True)
        primal = torch.optim.Adam([x], lr=RATE)
        if envelope:
            primal = MoreauEnvelope(primal, mu=2.0, beta=0.5)
        dual = None
        for size, inequality in zip(sizes, (False, True)):
            if size:
                options = {"init_duals": torch.zeros(size, dtype=torch.float64)}
                if make is not SSG and make is not pbm:
                    options["is_ineq"] = inequality
                if make is pbm:
                    options["init_duals"] += 1
                if make is SSG:
                    del options["init_duals"]
                if dual is None:
                    dual = make(size, **options)
                else:
                    dual.add_constraint_group(size, **options)
        while True:
            loss, h, g = trace.torch(x)
            primal.zero_grad()
            constraints = torch.cat([h.abs() if make is SSG else h, g])
            dual.forward_update(loss, constraints).backward()
            primal.step()

    return run


def alm(size, **options):
    return ALM(size, lr=0.1, penalty=10.0, augmentation="hpr", **options)


def ialm(size, **options):
    return iALM(size, beta=1.0, sigma=1.001, gamma=0.1, **options)


def pbm(size, **options):
    return PBM(
        size, penalty_mult=0.9, gamma=0.9, gamma_annealing=False, penalty_annealing=False, **options
    )


def algorithms():
    """Name, whether it takes equalities, what runs it."""
    plain, augmented = cooper.formulations.Lagrangian, cooper.formulations.AugmentedLagrangian
    yield "SciPy SLSQP", True, slsqp
    yield "SciPy trust-constr", True, trust_constr
    yield "Cooper, Lagrangian", True, of_cooper(plain)
    yield "Cooper, augmented Lagrangian", True, of_cooper(augmented, 10)
    yield "Cooper, augmented, its updater", True, of_cooper(augmented, 1, True)
    if ALM:
        yield "humancompatible SSL-ALM", True, of_humancompatible(alm, envelope=True)
        yield "humancompatible iALM", True, of_humancompatible(ialm)
        yield "humancompatible PBM", False, of_humancompatible(pbm)
        yield "humancompatible SSG", True, of_humancompatible(SSG)


def run(problem, algorithm, budget):
    trace = Trace(problem, budget)
    try:
        algorithm(trace)
    except Enough:
        pass
    except (ValueError, RuntimeError, numpy.linalg.LinAlgError) as error:
        print(f"{problem.name}: {error}")
    return {"reached": trace.reached, "points": [trace.last]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("output")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    budget = 300 if options.quick else 10_000
    problems = [p for p in all_problems() if not options.quick or p.name in QUICK]
    with open(options.output, "w") as file:

        def write(problem, name, result):
            line = {"problem": problem.name, "algorithm": name, "untuned": True, **result}
            print(json.dumps(line), file=file, flush=True)

        for problem in problems:
            for name, equalities, algorithm in algorithms():
                if equalities or not problem.equalities:
                    write(problem, name, run(problem, algorithm, budget))
        for problem, result in ensmallen.run(problems, budget):
            write(problem, "ensmallen AugLagrangian", result)


if __name__ == "__main__":
    main()
