"""Writes src/test/resources/lr_schedules.json: rates of torch.optim.lr_scheduler, and their states."""

import json
import pathlib

import torch
from torch.optim import lr_scheduler

OUT = pathlib.Path(__file__).parents[1] / "resources/lr_schedules.json"
STEPS, SAVED_AT = 25, 10
SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, step_size=4, gamma=0.5),
    "multi_step": lambda o: lr_scheduler.MultiStepLR(o, milestones=[3, 11, 12], gamma=0.3),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9),
    "cosine_annealing": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10, eta_min=0.01),
    "linear": lambda o: lr_scheduler.LinearLR(o, start_factor=0.25, end_factor=1.0, total_iters=8),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.01),
}


def run(make):
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": 0.5}, {"params": [torch.zeros(1)]}], lr=0.1)
    scheduler = make(optimizer)
    rates, state = [], None
    for step in range(STEPS):
        if step == SAVED_AT:
            state = {key: scheduler.state_dict()[key] for key in ("base_lrs", "last_epoch", "_step_count", "_last_lr")}
        rates.append(scheduler.get_last_lr())
        optimizer.step()
        scheduler.step()
    return {"rates": rates, "state": state}


if __name__ == "__main__":
    OUT.write_text(json.dumps({name: run(make) for name, make in SCHEDULES.items()}) + "\n")
