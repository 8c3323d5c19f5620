"""The trainings of org.cooper4j.distributed.Cases with Python's Cooper: the same data, constraints
of the same kinds, the same batches."""

import math

import torch
from cooper import CMPState, ConstrainedMinimizationProblem, Constraint, ConstraintState
from cooper import ConstraintType, formulations, multipliers, penalty_coefficients

torch.set_default_dtype(torch.float64)

SAMPLES, FEATURES = 48, 3
BATCHES = [12, 7, 5, 8, 12, 11, 2, 1]


def x(i, k):
    return math.sin(1 + 3.7 * i + 1.9 * k * (i % 5 + 1))


INPUTS = torch.tensor([[x(i, k) for k in range(FEATURES)] for i in range(SAMPLES)])
LABELS = torch.tensor(
    [float(x(i, 0) + 0.5 * x(i, 1) + 0.3 * math.cos(i) > 0) for i in range(SAMPLES)]
)
MEN = torch.tensor([0.0 if i % 3 == 0 else 1.0 for i in range(SAMPLES)])


def rows(step, rank=0, size=1):
    indices = [(step * 13 + i) % SAMPLES for i in range(BATCHES[step]) if i % size == rank]
    return torch.tensor(indices, dtype=torch.long)


class LinearMultiplier(multipliers.ImplicitMultiplier):
    expects_constraint_features = True

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(FEATURES, 1)
        torch.nn.init.constant_(self.linear.weight, 0.3)
        torch.nn.init.constant_(self.linear.bias, 0.1)

    def forward(self, features):
        return torch.nn.functional.softplus(self.linear(features)).flatten()

    def post_step_(self):
        pass


def dense(n=1):
    return multipliers.DenseMultiplier(num_constraints=n, dtype=torch.float64)


def indexed():
    return multipliers.IndexedMultiplier(num_constraints=SAMPLES, dtype=torch.float64)


def penalty():
    return penalty_coefficients.DensePenaltyCoefficient(torch.tensor([2.0]))


def indexed_penalty():
    return penalty_coefficients.IndexedPenaltyCoefficient(torch.full((SAMPLES,), 0.5))


AUGMENTED = formulations.AugmentedLagrangian
LAGRANGIAN = formulations.Lagrangian


def make(kind):
    formulation, multiplier, coefficient = {
        "RATE": (LAGRANGIAN, dense(), None),
        "STRICT_RATE": (LAGRANGIAN, dense(), None),
        "AUGMENTED": (AUGMENTED, dense(), penalty()),
        "AUGMENTED_STRICT": (AUGMENTED, dense(), penalty()),
        "NORMS": (LAGRANGIAN, dense(2), None),
        "PARITY": (LAGRANGIAN, dense(), None),
        "AUGMENTED_PARITY": (AUGMENTED, dense(), penalty()),
        "VARIANCE": (LAGRANGIAN, dense(), None),
        "ROWS": (LAGRANGIAN, indexed(), None),
        "AUGMENTED_ROWS": (AUGMENTED, indexed(), indexed_penalty()),
        "REPEATED_ROWS": (LAGRANGIAN, indexed(), None),
        "AUGMENTED_REPEATED_ROWS": (AUGMENTED, indexed(), indexed_penalty()),
        "MODULE": (LAGRANGIAN, LinearMultiplier(), None),
    }[kind]
    return Constraint(
        constraint_type=ConstraintType.EQUALITY if kind == "NORMS" else ConstraintType.INEQUALITY,
        formulation_type=formulation,
        multiplier=multiplier,
        penalty_coefficient=coefficient,
    )


def gap(score, men):
    women = 1 - men
    return (
        score.dot(men) / men.sum().clamp(min=1) - score.dot(women) / women.sum().clamp(min=1)
    ).abs().sub(0.05).unsqueeze(0)


def observe(kind, indices, score, w):
    label, men = LABELS[indices], MEN[indices]
    positive = (score > 0).to(torch.float64)
    soft = (0.7 - score.sigmoid().mean()).unsqueeze(0)
    hard = (0.7 - positive.mean()).unsqueeze(0)
    row = torch.nn.functional.softplus(-score * (2 * label - 1)) - 0.5
    if kind in ("RATE", "AUGMENTED"):
        return ConstraintState(soft)
    if kind in ("STRICT_RATE", "AUGMENTED_STRICT"):
        return ConstraintState(soft, strict_violation=hard)
    if kind == "NORMS":
        return ConstraintState(torch.stack([w.square().sum(), w.abs().sum()]) - 0.05)
    if kind == "PARITY":
        return ConstraintState(gap(score.sigmoid(), men))
    if kind == "AUGMENTED_PARITY":
        return ConstraintState(gap(score.sigmoid(), men), strict_violation=gap(positive, men))
    if kind == "VARIANCE":
        return ConstraintState((0.5 - score.var(correction=0)).unsqueeze(0))
    if "REPEATED" in kind:
        indices = indices % 5
    if kind in ("ROWS", "REPEATED_ROWS"):
        return ConstraintState(row, constraint_features=indices)
    if kind in ("AUGMENTED_ROWS", "AUGMENTED_REPEATED_ROWS"):
        return ConstraintState(
            row,
            constraint_features=indices,
            strict_violation=(label - positive).abs() - 0.2,
            strict_constraint_features=indices,
        )
    return ConstraintState(row, constraint_features=INPUTS[indices])


class Problem(ConstrainedMinimizationProblem):
    def __init__(self, *kinds):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(FEATURES))
        self.kinds = {kind.lower(): kind for kind in kinds}
        for name, kind in self.kinds.items():
            setattr(self, name, make(kind))

    def compute_cmp_state(self, indices):
        score = INPUTS[indices].mv(self.w)
        label = LABELS[indices]
        return CMPState(
            loss=torch.nn.functional.binary_cross_entropy_with_logits(score, label),
            observed_constraints={
                getattr(self, name): observe(kind, indices, score, self.w)
                for name, kind in self.kinds.items()
            },
            misc={"accuracy": ((score > 0) == (label > 0)).to(torch.float64).mean()},
        )

    def variables(self):
        constraints = [getattr(self, name) for name in self.kinds]
        tensors = [self.w]
        tensors += [p for c in constraints if c.multiplier for p in c.multiplier.parameters()]
        tensors += [c.penalty_coefficient.value for c in constraints if c.penalty_coefficient]
        return torch.cat([tensor.detach().flatten() for tensor in tensors])


def updater():
    return penalty_coefficients.MultiplicativePenaltyCoefficientUpdater(
        growth_factor=1.1, violation_tolerance=0.01, has_restart=False
    )


def line(name, values):
    return name + "\t" + " ".join(value.hex() for value in values.tolist()) + "\n"
