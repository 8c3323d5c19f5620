"""Writes src/test/resources/gradient_hooks.json: Cooper's steps with gradients clipped between backward and step."""

import json
import pathlib

import cooper
import torch

OUT = pathlib.Path(__file__).parents[1] / "resources/gradient_hooks.json"
STEPS, LR = 8, 0.1
CLIPS = {
    "norm": lambda p: torch.nn.utils.clip_grad_norm_(p, 1.0),
    "norm_1": lambda p: torch.nn.utils.clip_grad_norm_(p, 1.5, norm_type=1.0),
    "norm_inf": lambda p: torch.nn.utils.clip_grad_norm_(p, 0.5, norm_type=float("inf")),
    "value": lambda p: torch.nn.utils.clip_grad_value_(p, 0.4),
}


class Problem(cooper.ConstrainedMinimizationProblem):
    def __init__(self, dtype):
        super().__init__()
        self.a = torch.tensor([2.0, -3.0], dtype=dtype, requires_grad=True)
        self.b = torch.tensor([[1.0], [0.5]], dtype=dtype, requires_grad=True)
        self.c = cooper.Constraint(
            constraint_type=cooper.ConstraintType.INEQUALITY,
            formulation_type=cooper.formulations.Lagrangian,
            multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1, dtype=dtype),
        )

    def compute_cmp_state(self):
        loss = self.a.square().sum() + 3 * self.b.square().sum()
        violation = 1 - (self.a.sum() + self.b.sum()).reshape(1)
        return cooper.CMPState(loss=loss, observed_constraints={self.c: cooper.ConstraintState(violation=violation)})


def run(clip, dtype):
    """SimultaneousOptimizer.roll, with a line more."""
    cmp = Problem(dtype)
    primal = torch.optim.Adam([cmp.a, cmp.b], lr=LR)
    dual = torch.optim.SGD(cmp.dual_parameters(), lr=LR, maximize=True)
    optimizer = cooper.optim.SimultaneousOptimizer(cmp, primal, dual)
    rows = []
    for _ in range(STEPS):
        state = cmp.compute_cmp_state()
        optimizer.zero_grad()
        state.compute_primal_lagrangian().backward()
        state.compute_dual_lagrangian().backward()
        norm = clip([cmp.a, cmp.b])
        optimizer.primal_step()
        optimizer.dual_step()
        multiplier = cmp.c.multiplier.weight
        values = torch.cat([v.detach().flatten() for v in (cmp.a, cmp.b, multiplier)]).tolist()
        rows.append({"norm": None if norm is None else norm.item(), "values": values})
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    OUT.write_text(json.dumps({name: run(clip, torch.float64) for name, clip in CLIPS.items()}) + "\n")
