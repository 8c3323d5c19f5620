"""Writes the golden files: Cooper 1.0.1's trajectories beside the whole data of every problem.

    python src/test/python/golden.py src/test/resources/golden

Same Python packages, same processor family: same bytes. schema.md in the golden folder describes
the layout, cooper_case.py the arithmetic. It stops when a value is not finite, a multiplier of an
inequality is negative, a trajectory stands still, or float32 strays so far from float64 that the
case would test rounding instead of Cooper.
"""

import argparse
import gzip
import json
import pathlib
import warnings

import cooper
import numpy
import torch

import families
import families_factors
import families_more
import optimizer_sequences
from cooper_case import Run

FAMILIES = (
    families.formulations,
    families.primal_optimizers,
    families.dual_optimizers,
    families.cooper_optimizers,
    families_factors.indexed,
    families_factors.implicit,
    families_factors.penalty_updaters,
    families_more.sharing,
    families_more.several_optimizers,
    families_more.extrapolation,
    families_more.exchange,
)
DTYPES = {"float32": torch.float32, "float64": torch.float64}
GZIP_ABOVE = 200_000
LARGEST_GAP = 2e-5
MADE_WITH = {"cooper": "1.0.1", "torch": "2.10.0"}


def numbers(tensor):
    """A tensor's entries, row-major, as doubles whose shortest decimals are the entries' own."""
    if tensor is None:
        return None
    array = tensor.detach().reshape(-1).numpy()
    values = (
        [float(str(value)) for value in array] if array.dtype == numpy.float32 else array.tolist()
    )
    if not numpy.array_equal(numpy.array(values).astype(array.dtype), array):
        raise ValueError(
            f"expected finite numbers that survive their shortest decimals, came {array}"
        )
    return values


def number(value):
    """A scalar tensor's (or the number 0.0 of an empty sum's) value."""
    return numbers(value)[0] if isinstance(value, torch.Tensor) else value


def trajectory(case, dtype):
    run = Run(case, dtype)
    names = [spec["name"] for spec in case["constraints"]]
    result = {
        "primal": {},
        "multipliers": {},
        "penalties": {},
        "loss": [],
        "primal_lagrangian": [],
        "dual_lagrangian": [],
    }
    stores = (
        "primal_multiplier_values",
        "primal_penalty_values",
        "dual_multiplier_values",
        "dual_penalty_values",
    )
    for key in stores:
        result[key] = {name: [] for name in names}
    for step in range(case["steps"]):
        roll_out = run.step(step)
        state = run.state()
        for group in ("primal", "penalties"):
            for name, value in state[group].items():
                result[group].setdefault(name, []).append(numbers(value))
        for name, parameters in state["multipliers"].items():
            for key, value in parameters.items():
                result["multipliers"].setdefault(name, {}).setdefault(key, []).append(
                    numbers(value)
                )
        primal, dual = roll_out.primal_lagrangian_store, roll_out.dual_lagrangian_store
        result["loss"].append(number(roll_out.loss))
        result["primal_lagrangian"].append(number(primal.lagrangian))
        result["dual_lagrangian"].append(number(dual.lagrangian))
        values = (
            primal.multiplier_values, primal.penalty_coefficient_values,
            dual.multiplier_values, dual.penalty_coefficient_values,
        )  # fmt: skip
        for key, store in zip(stores, values):
            for name in names:
                result[key][name].append(numbers(store.get(run.problem._constraints[name])))
    return result


def flatten(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for part in value for leaf in flatten(part)]
    return [] if value is None else [value]


def check(family, case):
    """Returns the largest |float32 - float64| / (1 + |float64|) over the case's recorded values."""
    label = f"{family}/{case['name']}"
    single, double = (numpy.array(flatten(case["trajectory"][dtype])) for dtype in DTYPES)
    if not (numpy.isfinite(single).all() and numpy.isfinite(double).all()):
        raise ValueError(f"{label}: a recorded value is not finite")
    result = case["trajectory"]["float64"]
    for name, spec in case["multipliers"].items():
        if spec["kind"] != "Implicit" and spec["constraint_type"] == "INEQUALITY":
            if min(flatten(result["multipliers"][name])) < 0:
                raise ValueError(f"{label}: multiplier {name} of an inequality is negative")
    for group in ("primal", "multipliers"):
        for name, values in result[group].items():
            for rows in values.values() if group == "multipliers" else [values]:
                if len({json.dumps(row) for row in rows}) < 2 and case["name"] != "never-dual":
                    raise ValueError(f"{label}: {name} does not move")
    gap = float((numpy.abs(single - double) / (1 + numpy.abs(double))).max())
    if gap > LARGEST_GAP:
        raise ValueError(
            f"{label}: float32 and float64 differ by {gap:.1e}, allowed {LARGEST_GAP}; "
            "draw other data"
        )
    return gap


def write(folder, name, content):
    data = json.dumps(content, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    compress = len(data) > GZIP_ABOVE
    for stale in (folder / f"{name}.json", folder / f"{name}.json.gz"):
        stale.unlink(missing_ok=True)
    path = folder / f"{name}.json{'.gz' * compress}"
    path.write_bytes(gzip.compress(data, 9, mtime=0) if compress else data)
    return path.stat().st_size


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--list", action="store_true", help="name every case and its float32 gap")
    arguments = parser.parse_args()
    found = {"cooper": cooper.__version__, "torch": torch.__version__.split("+")[0]}
    if found != MADE_WITH:
        raise SystemExit(
            f"expected {MADE_WITH}, found {found}; install cooper-optim 1.0.1 and torch 2.10.0"
        )
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    # Cooper's extragradient calls add_ by a deprecated signature; nuPI warns of a negative ema_nu.
    warnings.filterwarnings("ignore", category=UserWarning)

    total, size = 0, 0
    for family in FAMILIES:
        cases = family()
        if len({case["name"] for case in cases}) != len(cases):
            raise ValueError(f"{family.__name__}: two cases share a name")
        for case in cases:
            case["trajectory"] = {name: trajectory(case, dtype) for name, dtype in DTYPES.items()}
            case["float32_gap"] = float(f"{check(family.__name__, case):.2g}")
            if arguments.list:
                print(f"{family.__name__}/{case['name']} {case['float32_gap']}")
        bytes_written = write(
            arguments.folder,
            family.__name__,
            {"family": family.__name__, "made_with": MADE_WITH, "cases": cases},
        )
        print(f"{family.__name__}: {len(cases)} cases, {bytes_written} bytes")
        total, size = total + len(cases), size + bytes_written
    for name, make in (
        ("nupi", optimizer_sequences.nupi),
        ("extragradient", optimizer_sequences.extragradient),
    ):
        cases = make(DTYPES, numbers)
        bytes_written = write(
            arguments.folder, name, {"family": name, "made_with": MADE_WITH, "cases": cases}
        )
        print(f"{name}: {len(cases)} sequences, {bytes_written} bytes")
        size += bytes_written
    print(
        f"{total} cases in {len(DTYPES)} dtypes: {total * len(DTYPES)} combinations; {size} bytes"
    )


if __name__ == "__main__":
    main()
