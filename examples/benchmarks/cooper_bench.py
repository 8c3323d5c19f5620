"""A problem with Python's Cooper: prints microseconds a roll. See run.py for the problems."""

import sys
import time

import cooper
import torch

INEQUALITY = cooper.ConstraintType.INEQUALITY


class Mnist(cooper.ConstrainedMinimizationProblem):
    def __init__(self):
        super().__init__()
        self.model = torch.nn.Linear(784, 10)
        self.x, self.y = torch.randn(128, 784), torch.randint(10, (128,))
        self.norm = cooper.Constraint(
            constraint_type=INEQUALITY,
            formulation_type=cooper.formulations.Lagrangian,
            multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1),
        )

    def primal(self):
        return torch.optim.Adam(self.model.parameters(), lr=1e-3, amsgrad=True)

    def compute_cmp_state(self):
        logits = self.model(self.x)
        loss = torch.nn.functional.cross_entropy(logits, self.y)
        accuracy = (logits.argmax(1) == self.y).float().mean()
        norm = self.model.weight.pow(2).sum() + self.model.bias.pow(2).sum()
        return cooper.CMPState(
            loss=loss,
            observed_constraints={self.norm: cooper.ConstraintState(violation=norm - 1)},
            misc={"accuracy": accuracy},
        )


class NormBounded(cooper.ConstrainedMinimizationProblem):
    """A classifier whose last layer's norm is bounded."""

    def __init__(self, model, last, *shape):
        super().__init__()
        self.model, self.last = model, last
        self.x, self.y = torch.randn(*shape), torch.randint(10, shape[:1])
        self.norm = cooper.Constraint(
            constraint_type=INEQUALITY, multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1)
        )

    def primal(self):
        return torch.optim.Adam([*self.model.parameters(), *self.last.parameters()], lr=1e-3)

    def compute_cmp_state(self):
        loss = torch.nn.functional.cross_entropy(self.last(self.model(self.x)), self.y)
        norm = cooper.ConstraintState(violation=self.last.weight.pow(2).sum() - 1)
        return cooper.CMPState(loss=loss, observed_constraints={self.norm: norm})


def perceptron():
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 2048), torch.nn.ReLU(), torch.nn.Linear(2048, 2048), torch.nn.ReLU()
    )
    return NormBounded(model, torch.nn.Linear(2048, 10), 128, 784)


class Pooled(torch.nn.Module):
    """The mean of a model's outputs over some dimensions."""

    def __init__(self, dims, *layers):
        super().__init__()
        self.dims, self.layers = dims, torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x).mean(self.dims)


def conv_net():
    layers = []
    for channels in ((3, 32), (32, 64), (64, 64)):
        layers += [torch.nn.Conv2d(*channels, 3, padding=1), torch.nn.ReLU()]
    return NormBounded(Pooled((2, 3), *layers), torch.nn.Linear(64, 10), 64, 3, 32, 32)


class Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.wide, self.narrow = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)
        self.first, self.second = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)

    def attention(self, x):
        parts = self.qkv(x).view(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        heads = torch.nn.functional.scaled_dot_product_attention(*parts)
        return self.out(heads.transpose(1, 2).reshape(x.shape))

    def forward(self, x):
        x = x + self.attention(self.first(x))
        return x + self.narrow(torch.nn.functional.gelu(self.wide(self.second(x))))


def transformer():
    return NormBounded(Pooled(1, Block(256, 4)), torch.nn.Linear(256, 10), 16, 128, 256)


class Toy(cooper.ConstrainedMinimizationProblem):
    def __init__(self, n):
        super().__init__()
        self.x = torch.nn.Parameter(torch.randn(n))

    def primal(self):
        return torch.optim.SGD([self.x], lr=1e-3)


class Groups(Toy):
    def __init__(self, n, augmented):
        super().__init__(n)
        formulation = cooper.formulations.AugmentedLagrangian if augmented else cooper.formulations.Lagrangian
        self.groups = []
        for k in range(n):
            penalty = {}
            if augmented:
                coefficient = cooper.penalty_coefficients.DensePenaltyCoefficient(torch.tensor([1.0]))
                penalty = {"penalty_coefficient": coefficient}
            constraint = cooper.Constraint(
                constraint_type=INEQUALITY,
                formulation_type=formulation,
                multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1),
                **penalty,
            )
            setattr(self, f"c{k}", constraint)
            self.groups.append(constraint)

    def compute_cmp_state(self):
        observed = {c: cooper.ConstraintState(violation=1 - self.x[k]) for k, c in enumerate(self.groups)}
        return cooper.CMPState(loss=self.x.pow(2).sum(), observed_constraints=observed)


class Dense(Toy):
    def __init__(self, n):
        super().__init__(n)
        self.c = cooper.Constraint(
            constraint_type=INEQUALITY, multiplier=cooper.multipliers.DenseMultiplier(num_constraints=n)
        )

    def compute_cmp_state(self):
        state = cooper.ConstraintState(violation=1 - self.x)
        return cooper.CMPState(loss=self.x.pow(2).sum(), observed_constraints={self.c: state})


class Indexed(Toy):
    def __init__(self, n, augmented=False):
        super().__init__(256)
        formulation = cooper.formulations.AugmentedLagrangian if augmented else cooper.formulations.Lagrangian
        penalty = {}
        if augmented:
            coefficient = cooper.penalty_coefficients.IndexedPenaltyCoefficient(torch.ones(n))
            penalty = {"penalty_coefficient": coefficient}
        self.c = cooper.Constraint(
            constraint_type=INEQUALITY,
            formulation_type=formulation,
            multiplier=cooper.multipliers.IndexedMultiplier(num_constraints=n),
            **penalty,
        )
        self.indices = torch.randint(n, (256,))

    def compute_cmp_state(self):
        state = cooper.ConstraintState(violation=1 - self.x, constraint_features=self.indices)
        return cooper.CMPState(loss=self.x.pow(2).sum(), observed_constraints={self.c: state})


def main():
    kind, _, size = sys.argv[1].partition(":")
    seconds = float(sys.argv[2])
    if "--default-threads" not in sys.argv:
        torch.set_num_threads(1)
    torch.manual_seed(0)
    n = int(size or 0)
    cmp = {
        "mnist": Mnist,
        "mlp": perceptron,
        "convnet": conv_net,
        "transformer": transformer,
        "groups": lambda: Groups(n, False),
        "augmented": lambda: Groups(n, True),
        "dense": lambda: Dense(n),
        "indexed": lambda: Indexed(n),
        "indexed-augmented": lambda: Indexed(n, True),
        "indexed-nupi": lambda: Indexed(n),
    }[kind]()
    dual = cooper.optim.nuPI if kind.endswith("nupi") else torch.optim.SGD
    optimizer = cooper.optim.SimultaneousOptimizer(
        cmp=cmp,
        primal_optimizers=cmp.primal(),
        dual_optimizers=dual(cmp.dual_parameters(), lr=1e-3, maximize=True),
    )
    updater = None
    if kind.endswith("augmented"):
        updater = cooper.penalty_coefficients.MultiplicativePenaltyCoefficientUpdater(
            growth_factor=1.0001, has_restart=False
        )

    def roll():
        out = optimizer.roll()
        if updater is not None:
            updater.step(out.cmp_state.observed_constraints)
        if kind == "mnist":
            out.loss.item(), out.cmp_state.misc["accuracy"].item()
            next(iter(out.cmp_state.observed_constraints.values())).violation.item()
            next(iter(cmp.dual_parameters())).item()

    end = time.perf_counter() + seconds / 2
    while time.perf_counter() < end:
        roll()
    rolls, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        roll()
        rolls += 1
    print((time.perf_counter() - start) / rolls * 1e6)


if __name__ == "__main__":
    main()
