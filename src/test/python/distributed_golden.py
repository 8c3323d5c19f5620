"""Writes where Python's Cooper ends that trains over whole batches, for processes that share them.

    python distributed_golden.py src/test/resources/distributed.txt
"""

import sys

import torch
from cooper import optim

import distributed_case as case

SCHEMES = {
    "SIMULTANEOUS": (optim.SimultaneousOptimizer, torch.optim.SGD),
    "ALTERNATING_DUAL_PRIMAL": (optim.AlternatingDualPrimalOptimizer, torch.optim.SGD),
    "ALTERNATING_PRIMAL_DUAL": (optim.AlternatingPrimalDualOptimizer, torch.optim.SGD),
    "EXTRAPOLATION": (optim.ExtrapolationConstrainedOptimizer, optim.ExtraSGD),
}
KINDS = [
    "RATE", "STRICT_RATE", "AUGMENTED", "AUGMENTED_STRICT", "NORMS", "PARITY", "AUGMENTED_PARITY",
    "VARIANCE", "ROWS", "AUGMENTED_ROWS", "REPEATED_ROWS", "AUGMENTED_REPEATED_ROWS", "MODULE",
]  # fmt: skip


def train(kind, scheme):
    problem = case.Problem(kind)
    make, sgd = SCHEMES[scheme]
    optimizer = make(
        cmp=problem,
        primal_optimizers=sgd([problem.w], lr=0.3),
        dual_optimizers=sgd(problem.dual_parameters(), lr=0.3, maximize=True),
    )
    updater = case.updater()
    for step in range(len(case.BATCHES)):
        out = optimizer.roll(compute_cmp_state_kwargs={"indices": case.rows(step)})
        updater.step(out.cmp_state.observed_constraints)
    return problem.variables()


with open(sys.argv[1], "w") as file:
    for kind in KINDS:
        for scheme in SCHEMES:
            file.write(case.line(kind + " " + scheme, train(kind, scheme)))
