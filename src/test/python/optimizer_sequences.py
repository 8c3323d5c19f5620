"""nuPI, ExtraSGD and ExtraAdam alone, fed with given gradients: files nupi, extragradient."""

import itertools

import torch

from case_data import CaseBuilder, options
from optimizer_spec import OPTIMIZERS, torch_options

STEPS = 12
SIZE = 5


def nupi(dtypes, numbers):
    cases = []
    for init_type, mode, maximize in itertools.product(
        ("SGD", "ZEROS"), ("dense", "sparse"), (False, True)
    ):
        variants = {
            "integral": {"Kp": 0.0, "Ki": 1.3},
            "proportional": {"Kp": 0.7, "Ki": 0.0},
            "both": {"Kp": 0.7, "Ki": 0.9},
            "ema": {"Kp": 0.7, "Ki": 0.9, "ema_nu": 0.6},
            "negative-ema": {"Kp": 0.7, "Ki": 0.9, "ema_nu": -0.3},
            "decay": {"Kp": 0.4, "ema_nu": 0.2, "weight_decay": 0.1},
            "decay-integral": {"weight_decay": 0.1},
        }
        if mode == "dense":
            variants["vector"] = {
                "Kp": [0.3, 0.0, 1.2, 0.7, 0.1],
                "Ki": [1.0, 0.4, 0.0, 0.6, 0.2],
                "ema_nu": 0.5,
            }
        for variant, given in variants.items():
            name = f"{mode}-{init_type}-{variant}{'-maximize' * maximize}"
            draw = CaseBuilder(f"nupi-{name}")
            shape = [SIZE] if mode == "dense" else [SIZE, 1]
            gradient = dense_gradient if mode == "dense" else sparse_gradient
            steps = [
                {"op": "step", "grad": None if step == 3 else gradient(draw)}
                for step in range(STEPS)
            ]
            cases.append(
                _case(
                    name,
                    "nuPI",
                    shape,
                    draw,
                    steps,
                    dtypes,
                    numbers,
                    maximize,
                    lr=0.1,
                    init_type=init_type,
                    **given,
                )
            )
    return cases


def extragradient(dtypes, numbers):
    variants = [
        ("sgd", "ExtraSGD", {}),
        ("sgd-momentum", "ExtraSGD", {"momentum": 0.9}),
        ("sgd-dampening", "ExtraSGD", {"momentum": 0.8, "dampening": 0.4}),
        ("sgd-nesterov", "ExtraSGD", {"momentum": 0.7, "nesterov": True}),
        ("sgd-decay", "ExtraSGD", {"weight_decay": 0.2}),
        ("sgd-all", "ExtraSGD", {"momentum": 0.7, "nesterov": True, "weight_decay": 0.1}),
        ("sgd-sparse", "ExtraSGD", {}),
        ("sgd-sparse-momentum", "ExtraSGD", {"momentum": 0.6, "dampening": 0.3}),
        ("adam", "ExtraAdam", {}),
        ("adam-betas", "ExtraAdam", {"betas": [0.5, 0.8], "eps": 1e-3}),
        ("adam-amsgrad", "ExtraAdam", {"amsgrad": True, "betas": [0.5, 0.8]}),
        ("adam-decay", "ExtraAdam", {"weight_decay": 0.2}),
        ("adam-amsgrad-decay", "ExtraAdam", {"weight_decay": 0.1, "amsgrad": True}),
    ]
    cases = []
    for (variant, kind, given), maximize in itertools.product(variants, (False, True)):
        name = f"{variant}{'-maximize' * maximize}"
        draw = CaseBuilder(f"extragradient-{name}")
        gradient = sparse_gradient if "sparse" in name else dense_gradient
        steps = []
        for step in range(STEPS):
            # Two extrapolations before one update keep the parameters saved at the first.
            for _ in range(2 if step == 5 else 1):
                steps.append({"op": "extrapolation", "grad": None if step == 7 else gradient(draw)})
            steps.append({"op": "step", "grad": None if step == 3 else gradient(draw)})
        shape = [SIZE, 1] if "sparse" in name else [SIZE]
        cases.append(
            _case(name, kind, shape, draw, steps, dtypes, numbers, maximize, lr=0.1, **given)
        )
    return cases


def dense_gradient(draw):
    return draw.vector(SIZE)


def sparse_gradient(draw):
    indices = [draw.rng.randrange(SIZE) for _ in range(draw.rng.randint(1, 4))]
    return {"indices": indices, "values": draw.vector(len(indices))}


def _case(name, kind, shape, draw, steps, dtypes, numbers, maximize, **given):
    case = {
        "name": name,
        "type": kind,
        "maximize": maximize,
        "shape": shape,
        "init": draw.vector(SIZE),
        "options": options(kind, **given),
        "steps": steps,
    }
    case["trajectory"] = {key: _run(case, dtype, numbers) for key, dtype in dtypes.items()}
    return case


def _run(case, dtype, numbers):
    parameter = torch.nn.Parameter(torch.tensor(case["init"], dtype=dtype).reshape(case["shape"]))
    optimizer = OPTIMIZERS[case["type"]](
        [parameter], maximize=case["maximize"], **torch_options(case["options"], dtype)
    )
    result = {"param": [], "state": {}}
    for count, step in enumerate(case["steps"]):
        parameter.grad = _gradient(step["grad"], case["shape"], dtype)
        getattr(optimizer, step["op"])()
        result["param"].append(numbers(parameter))
        for key, value in optimizer.state[parameter].items():
            is_tensor = isinstance(value, torch.Tensor)
            row = (
                value.reshape(-1).tolist()
                if is_tensor and value.dtype == torch.bool
                else numbers(value)
                if is_tensor
                else value
            )
            # A state that appears late is null before.
            result["state"].setdefault(key, [None] * count).append(row)
    return result


def _gradient(given, shape, dtype):
    if given is None:
        return None
    if isinstance(given, list):
        return torch.tensor(given, dtype=dtype)
    values = torch.tensor(given["values"], dtype=dtype).reshape(-1, *shape[1:])
    return torch.sparse_coo_tensor(torch.tensor([given["indices"]]), values, shape)
