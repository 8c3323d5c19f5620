"""Steps of Cooper and humancompatible-train, as org.cooper4j.comparison.Algorithm has ours.

A task is anything with variables; groups, a list of Group; and evaluate(batch), which gives the loss
and by groups' names (violation, strict violation or None).
"""

import dataclasses
import typing

import cooper
import torch

try:
    from humancompatible.train.dual_optim import ALM, PBM, SSG, MoreauEnvelope, iALM
except ImportError:
    ALM = None


@dataclasses.dataclass
class Group:
    name: str
    equality: bool
    size: int
    dtype: torch.dtype


@dataclasses.dataclass
class Algorithm:
    """With one knob beside the model's learning rate; make(task, rate, knob) gives step(batch)."""

    name: str
    untuned: float
    knob: str
    make: typing.Callable
    equalities: bool = True


def filled(group, value):
    return torch.full((group.size,), float(value), dtype=group.dtype)


class Cooper(cooper.ConstrainedMinimizationProblem):
    def __init__(self, task, formulation, coefficient):
        super().__init__()
        self.task, self.parts = task, {}
        for group in task.groups:
            options = {}
            if coefficient:
                penalty = cooper.penalty_coefficients.DensePenaltyCoefficient
                options["penalty_coefficient"] = penalty(init=filled(group, coefficient))
            kinds = cooper.ConstraintType
            constraint = cooper.Constraint(
                constraint_type=kinds.EQUALITY if group.equality else kinds.INEQUALITY,
                formulation_type=formulation,
                multiplier=cooper.multipliers.DenseMultiplier(
                    num_constraints=group.size, dtype=group.dtype
                ),
                **options,
            )
            setattr(self, group.name, constraint)
            self.parts[group.name] = constraint

    def compute_cmp_state(self, batch):
        loss, violations = self.task.evaluate(batch)
        observed = {
            self.parts[name]: cooper.ConstraintState(violation=violation, strict_violation=strict)
            for name, (violation, strict) in violations.items()
        }
        return cooper.CMPState(loss=loss, observed_constraints=observed)


def of_cooper(formulation, dual_rate, coefficient=None, updater=False):
    """Dual rate and coefficient are functions of the knob."""

    def make(task, rate, knob):
        problem = Cooper(task, formulation, coefficient and coefficient(knob))
        optimizer = cooper.optim.SimultaneousOptimizer(
            problem,
            torch.optim.Adam(task.variables, lr=rate),
            torch.optim.SGD(problem.dual_parameters(), lr=dual_rate(knob), maximize=True),
        )
        grow = cooper.penalty_coefficients.MultiplicativePenaltyCoefficientUpdater()

        def step(batch):
            out = optimizer.roll(compute_cmp_state_kwargs={"batch": batch})
            if updater:
                grow.step(out.cmp_state.observed_constraints)

        return step

    return make


def of_humancompatible(kind, options, envelope=False):
    """Options of a group of constraints at a setting of the knob."""

    def value(group, violation, strict):
        if strict is not None:  # its values, with the gradient of what stands in for it
            violation = violation + (strict - violation).detach()
        return violation.abs() if kind is SSG and group.equality else violation

    def make(task, rate, knob):
        primal = torch.optim.Adam(task.variables, lr=rate)
        if envelope:
            primal = MoreauEnvelope(primal, mu=2.0, beta=0.5)
        dual = None
        for group in task.groups:
            if dual is None:
                dual = kind(group.size, **options(group, knob))
            else:
                dual.add_constraint_group(group.size, **of_group(options(group, knob)))

        def step(batch):
            loss, violations = task.evaluate(batch)
            values = [value(group, *violations[group.name]) for group in task.groups]
            primal.zero_grad()
            dual.forward_update(loss, torch.cat(values)).backward()
            primal.step()

        return step

    return make


def of_group(options):
    """Those that a further group has of its own."""
    return {key: value for key, value in options.items() if key not in OF_ALL}


OF_ALL = ("penalty", "augmentation", "constraint_tol")


def alm(group, knob):
    return {
        "lr": knob / 100,
        "penalty": knob,
        "augmentation": "hpr",
        "init_duals": filled(group, 0),
        "is_ineq": not group.equality,
    }


def ialm(group, knob):
    return {
        "beta": knob,
        "sigma": 1.001,
        "gamma": 0.1,
        "init_duals": filled(group, 0),
        "is_ineq": not group.equality,
    }


def pbm(group, knob):
    return {
        "penalty_mult": 0.9,
        "gamma": 1 - knob,
        "gamma_annealing": False,
        "penalty_annealing": False,
        "init_duals": filled(group, 1),
    }


def ssg(group, knob):
    return {"constraint_tol": knob}


def all_algorithms():
    plain, augmented = cooper.formulations.Lagrangian, cooper.formulations.AugmentedLagrangian
    yield Algorithm("Cooper, Lagrangian", 0.1, "dual rate", of_cooper(plain, lambda r: r))
    yield Algorithm(
        "Cooper, augmented Lagrangian",
        10,
        "coefficient",
        of_cooper(augmented, lambda c: c / 100, lambda c: c),
    )
    yield Algorithm(
        "Cooper, augmented, its updater",
        1,
        "first coefficient",
        of_cooper(augmented, lambda c: 0.1, lambda c: c, updater=True),
    )
    if ALM:
        smoothed = of_humancompatible(ALM, alm, envelope=True)
        yield Algorithm("humancompatible SSL-ALM", 10, "coefficient", smoothed)
        inexact = of_humancompatible(iALM, ialm)
        yield Algorithm("humancompatible iALM", 1, "first coefficient", inexact)
        barrier = of_humancompatible(PBM, pbm)
        yield Algorithm("humancompatible PBM", 0.1, "1 − γ", barrier, equalities=False)
        yield Algorithm("humancompatible SSG", 1e-3, "tolerance", of_humancompatible(SSG, ssg))
