"""One golden case, rebuilt with Python's Cooper from its JSON description and run step by step.

Every case is this problem in x of n = 6 entries, with A, B of m rows, Q symmetric positive definite
and all operations elementwise or sums over the last dimension, in exactly this order (no BLAS, so
that another host repeats it):

    x    = x                                         or  cat(x1, x2) when split > 0
    d    = x - c
    loss = 0.5 * (d * (Q * d).sum(1)).sum()
    loss = loss + 0.1 * sin(x).sum()                 if "sin"
    g    = (A * x).sum(1) - b
    g    = g + q * (B * (x * x)).sum(1)              if "B" is given (q is a vector of m entries)
    s    = (As * x).sum(1) - bs                      if "surrogate" is given

    violation        = s if "surrogate", else g;  then index_select(0, indices) if "indices"
    strict_violation = g.detach(), only if "surrogate";  then index_select(0, strict_indices), or
                       by the indices if there are no strict ones
    both             = their entry 0, zero-dimensional, if "scalar"

The features of multiplier and penalty coefficient are the indices themselves (Indexed), or
features.index_select(0, indices) (Implicit). An implicit multiplier is Linear(features).flatten(),
then relu if "relu". One step is: learning-rate changes, `roll`, then, if there is an updater,
`updater.step(roll_out.cmp_state.observed_constraints)`.
"""

import torch
from cooper import (
    CMPState,
    ConstrainedMinimizationProblem,
    Constraint,
    ConstraintState,
    ConstraintType,
    formulations,
    multipliers,
    penalty_coefficients,
)
from cooper import optim as cooper_optim

from optimizer_spec import make_optimizer


class LinearMultiplier(multipliers.ImplicitMultiplier):
    expects_constraint_features = True

    def __init__(self, spec, dtype):
        super().__init__()
        self.linear = torch.nn.Linear(len(spec["weight"]), 1, dtype=dtype)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([spec["weight"]], dtype=dtype))
            self.linear.bias.copy_(torch.tensor([spec["bias"]], dtype=dtype))
        self.relu = spec["relu"]

    def forward(self, features):
        value = self.linear(features).flatten()
        return torch.relu(value) if self.relu else value

    def post_step_(self):
        pass


class Model(torch.nn.Module):
    """The primal parameters: x, or x1 and x2."""

    def __init__(self, problem, dtype):
        super().__init__()
        x0 = torch.tensor(problem["x0"], dtype=dtype)
        split = problem["split"]
        parts = {"x1": x0[:split], "x2": x0[split:]} if split else {"x": x0}
        for name, value in parts.items():
            self.register_parameter(name, torch.nn.Parameter(value.clone()))

    def forward(self):
        parts = list(self.parameters())
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class Problem(ConstrainedMinimizationProblem):
    def __init__(self, case, model, dtype):
        super().__init__()
        self.model = model
        self.case = case
        self.data = {key: torch.tensor(case["problem"][key], dtype=dtype) for key in ("Q", "c")}
        self.specs = [(spec, _tensors(spec, dtype)) for spec in case["constraints"]]
        self.multipliers_by_name = {
            k: make_multiplier(v, dtype) for k, v in case["multipliers"].items()
        }
        self.penalties_by_name = {k: make_penalty(v, dtype) for k, v in case["penalties"].items()}
        for spec in case["constraints"]:
            constraint = Constraint(
                constraint_type=ConstraintType[spec["type"]],
                formulation_type=getattr(formulations, spec["formulation"]),
                multiplier=self.multipliers_by_name.get(spec["multiplier"]),
                penalty_coefficient=self.penalties_by_name.get(spec["penalty"]),
            )
            setattr(self, spec["name"], constraint)

    def compute_cmp_state(self, step):
        x = self.model()
        loss = None
        if self.case["problem"]["loss"]:
            d = x - self.data["c"]
            loss = 0.5 * (d * (self.data["Q"] * d).sum(1)).sum()
            if self.case["problem"]["sin"]:
                loss = loss + 0.1 * torch.sin(x).sum()
        return CMPState(loss=loss, observed_constraints=self._observe(x, step))

    def _observe(self, x, step):
        return {
            self._constraints[spec["name"]]: _state(spec, data, x, step)
            for spec, data in self.specs
        }


class ProblemWithViolations(Problem):
    def compute_violations(self, step):
        return CMPState(observed_constraints=self._observe(self.model(), step))


def _tensors(spec, dtype):
    data = {
        key: torch.tensor(spec[key], dtype=dtype)
        for key in ("A", "b", "q", "B", "features")
        if spec[key] is not None
    }
    if spec["surrogate"] is not None:
        data["As"] = torch.tensor(spec["surrogate"]["A"], dtype=dtype)
        data["bs"] = torch.tensor(spec["surrogate"]["b"], dtype=dtype)
    return data


def _state(spec, data, x, step):
    g = (data["A"] * x).sum(1) - data["b"]
    if "B" in data:
        g = g + data["q"] * (data["B"] * (x * x)).sum(1)
    violation = (data["As"] * x).sum(1) - data["bs"] if "As" in data else g
    strict = g.detach() if "As" in data else None

    indices = _at(spec["indices"], step)
    strict_indices = _at(spec["strict_indices"], step)
    features = data.get("features", indices)
    strict_features = None
    if indices is not None:
        violation = violation.index_select(0, indices)
        if strict is not None:
            strict = strict.index_select(0, indices if strict_indices is None else strict_indices)
        if "features" in data:
            features = data["features"].index_select(0, indices)
    if strict_indices is not None:
        strict_features = (
            data["features"].index_select(0, strict_indices)
            if "features" in data
            else strict_indices
        )
    if spec["scalar"]:
        violation = violation[0]
        strict = strict if strict is None else strict[0]
    return ConstraintState(
        violation=violation,
        constraint_features=features,
        strict_violation=strict,
        strict_constraint_features=strict_features,
        contributes_to_primal_update=spec["primal"] is None or spec["primal"][step],
        contributes_to_dual_update=spec["dual"] is None or spec["dual"][step],
    )


def _at(indices, step):
    return None if indices is None else torch.tensor(indices[step], dtype=torch.long)


def make_multiplier(spec, dtype):
    if spec["kind"] == "Implicit":
        return LinearMultiplier(spec, dtype)
    kind = getattr(multipliers, spec["kind"] + "Multiplier")
    return kind(init=torch.tensor(spec["init"], dtype=dtype), dtype=dtype)


def make_penalty(spec, dtype):
    return getattr(penalty_coefficients, spec["kind"] + "PenaltyCoefficient")(
        torch.tensor(spec["init"], dtype=dtype)
    )


def make_updater(spec):
    if spec is None:
        return None
    options = {key: value for key, value in spec.items() if key != "type"}
    return getattr(penalty_coefficients, spec["type"] + "PenaltyCoefficientUpdater")(**options)


class Run:
    """A case in one dtype: its model, problem and Cooper optimizer."""

    def __init__(self, case, dtype):
        self.case = case
        self.model = Model(case["problem"], dtype)
        kind = case["optimizer"]["kind"]
        problem_type = ProblemWithViolations if case["optimizer"]["compute_violations"] else Problem
        self.problem = problem_type(case, self.model, dtype)
        self.updater = make_updater(case["updater"])
        primal = dict(self.model.named_parameters())
        dual = {
            f"{name}.{key}": parameter
            for name, multiplier in self.problem.multipliers_by_name.items()
            for key, parameter in multiplier.named_parameters()
        }
        arguments = [
            self.problem,
            [make_optimizer(spec, primal, dtype, False) for spec in case["primal_optimizers"]],
        ]
        if case["dual_optimizers"] is not None:
            arguments.append(
                [make_optimizer(spec, dual, dtype, True) for spec in case["dual_optimizers"]]
            )
        self.cooper = getattr(cooper_optim, kind)(*arguments)

    def step(self, step):
        self._schedule(step)
        kwargs = {"compute_cmp_state_kwargs": {"step": step}}
        if self.case["optimizer"]["compute_violations"]:
            kwargs["compute_violations_kwargs"] = {"step": step}
        roll_out = self.cooper.roll(**kwargs)
        if self.updater is not None:
            self.updater.step(roll_out.cmp_state.observed_constraints)
        return roll_out

    def _schedule(self, step):
        for change in self.case["lr_schedule"] or []:
            if change["step"] == step:
                for key, optimizers in (
                    ("primal", self.cooper.primal_optimizers),
                    ("dual", self.cooper.dual_optimizers),
                ):
                    for group in (
                        group for optimizer in optimizers for group in optimizer.param_groups
                    ):
                        group["lr"] *= change[key]

    def state(self):
        return {
            "primal": {name: value.detach() for name, value in self.model.named_parameters()},
            "multipliers": {
                name: {key: value.detach() for key, value in multiplier.named_parameters()}
                for name, multiplier in self.problem.multipliers_by_name.items()
            },
            "penalties": {
                name: penalty.value for name, penalty in self.problem.penalties_by_name.items()
            },
        }
