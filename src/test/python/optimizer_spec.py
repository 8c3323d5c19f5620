"""Optimizers from their JSON description."""

import torch
from cooper.optim import ExtraAdam, ExtraSGD, nuPI, nuPIInitType

OPTIMIZERS = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "RMSprop": torch.optim.RMSprop,
    "Adagrad": torch.optim.Adagrad,
    "ExtraSGD": ExtraSGD,
    "ExtraAdam": ExtraAdam,
    "nuPI": nuPI,
}


def make_optimizer(spec, parameters, dtype, maximize):
    groups = []
    for group in spec["groups"]:
        options = torch_options(group["options"], dtype)
        groups.append({"params": [parameters[name] for name in group["params"]], **options})
    constructor = OPTIMIZERS[spec["type"]]
    if len(groups) == 1:
        group = groups[0]
        return constructor(group.pop("params"), maximize=maximize, **group)
    return constructor(groups, lr=groups[0]["lr"], maximize=maximize)


def torch_options(options, dtype):
    """JSON options as constructor arguments.

    A number Kp or Ki is left to nuPI, which makes it a zero-dimensional float32 tensor whatever the
    parameters' dtype; a list becomes a tensor of the parameters' dtype.
    """
    options = dict(options)
    if "init_type" in options:
        options["init_type"] = nuPIInitType[options["init_type"]]
        for key in ("Kp", "Ki"):
            if isinstance(options[key], list):
                options[key] = torch.tensor(options[key], dtype=dtype)
    return options
