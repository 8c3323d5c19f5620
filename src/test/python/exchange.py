"""The live exchange of checkpoints: a run starts in Python, goes on in Java and ends in Python.

    exchange.py start     GOLDEN FOLDER    Python runs steps 0 … 14, writes FOLDER/NAME.start.pt
    (Java)                                 loads it, runs steps 15 … 29, writes FOLDER/NAME.java.pt
    exchange.py finish    GOLDEN FOLDER    loads that, runs steps 30 … 49, compares
    exchange.py reference GOLDEN FOLDER    uninterrupted: FOLDER/NAME.reference.<15|30|50>.pt
    exchange.py relay     GOLDEN FOLDER    Java's part in Python, to try this without a JVM

GOLDEN is the folder of golden files. The cases are those of its `exchange` file, which Java
rebuilds with the loader of the other golden files, so no problem data travels. `--case NAME …`
picks some. --dtype defaults to float64, in which 1e-6 tells a wrong state from rounding;
--tolerance is relative to 1 + |value|. A checkpoint is what a user of Cooper would torch.save:

    {"model_state_dict": OrderedDict of "x" (or "x1", "x2"),
     "cmp_state_dict": {"multipliers": {constraint name: state_dict},
                        "penalty_coefficients": {constraint name: {"value": tensor}}},
     "cooper_optimizer_state_dict": {"primal_optimizer_states": [state_dict, …],
                                     "dual_optimizer_states": [state_dict, …] or None},
     "step": int}                    the number of steps done, which is the index of the next one

Java's file must hold the same tree, but for the `init` of penalty coefficients. `finish` compares it with the uninterrupted run twice: as it
came, at Java's last step, and again at the end. Every key, length, shape, dtype and number counts;
only list and tuple are the same, and int and float of equal value. It exits 1 and lists what
differs, if anything does. A penalty coefficient's `init`, which Cooper does not save, comes from
the case when the run is rebuilt.
"""

import argparse
import copy
import gzip
import json
import numbers
import pathlib
import sys
import warnings

import torch
from cooper.optim import ExtraSGD, nuPIInitType

from cooper_case import Run

DTYPES = {"float32": torch.float32, "float64": torch.float64}
JAVA_STARTS, JAVA_ENDS = 15, 30


def repair_extra_sgd():
    """Makes ExtraSGD.load_state_dict work: Cooper 1.0.1's calls the __setstate__ of torch's SGD, of
    which ExtraSGD is no subclass, so it raises TypeError."""

    def setstate(self, state):
        torch.optim.Optimizer.__setstate__(self, state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)

    ExtraSGD.__setstate__ = setstate


def read_cases(golden, names):
    path = golden / "exchange.json"
    data = (
        path.read_bytes()
        if path.exists()
        else gzip.decompress((golden / "exchange.json.gz").read_bytes())
    )
    cases = {case["name"]: case for case in json.loads(data)["cases"]}
    unknown = set(names or ()) - cases.keys()
    if unknown:
        raise SystemExit(f"no exchange case named {sorted(unknown)}; there are {sorted(cases)}")
    return [cases[name] for name in names] if names else list(cases.values())


def checkpoint(run, step):
    return {
        "model_state_dict": run.model.state_dict(),
        "cmp_state_dict": run.problem.state_dict(),
        "cooper_optimizer_state_dict": run.cooper.state_dict(),
        "step": step,
    }


def advance(run, first, last):
    for step in range(first, last):
        run.step(step)
    return checkpoint(run, last)


def resume(case, dtype, saved):
    run = Run(case, dtype)
    run.model.load_state_dict(saved["model_state_dict"])
    run.problem.load_state_dict(saved["cmp_state_dict"])
    run.cooper.load_state_dict(saved["cooper_optimizer_state_dict"])
    return run


def without_init(saved):
    """cooper4j saves a penalty coefficient's `init` too, which Cooper forgets and tolerates."""
    saved = copy.deepcopy(saved)
    for state in saved["cmp_state_dict"]["penalty_coefficients"].values():
        state.pop("init", None)
    return saved


def load(path):
    if not path.exists():
        raise SystemExit(f"expected the checkpoint {path}; the side that writes it has not run")
    with torch.serialization.safe_globals([nuPIInitType]):
        return torch.load(path, weights_only=True, map_location="cpu")


def differences(expected, actual, tolerance, path="checkpoint"):
    """Yields a line for every place where actual is not expected."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in expected.keys() - actual.keys():
            yield f"{path}: key {key!r} is missing"
        for key in actual.keys() - expected.keys():
            yield f"{path}: key {key!r} is not expected"
        for key in expected.keys() & actual.keys():
            yield from differences(expected[key], actual[key], tolerance, f"{path}[{key!r}]")
    elif isinstance(expected, (list, tuple)) and isinstance(actual, (list, tuple)):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} elements, came {len(actual)}"
        for index, pair in enumerate(zip(expected, actual)):
            yield from differences(*pair, tolerance, f"{path}[{index}]")
    elif isinstance(expected, torch.Tensor) and isinstance(actual, torch.Tensor):
        yield from tensor_differences(expected, actual, tolerance, path)
    elif _is_number(expected) and _is_number(actual):
        if not abs(expected - actual) <= tolerance * (1 + abs(expected)):
            yield f"{path}: expected {expected!r}, came {actual!r}"
    elif type(expected) is not type(actual) or expected != actual:
        yield f"{path}: expected {_describe(expected)}, came {_describe(actual)}"


def _describe(value):
    return f"{type(value).__name__} {value!r}"


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def tensor_differences(expected, actual, tolerance, path):
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        kinds = [f"{tensor.dtype} {list(tensor.shape)}" for tensor in (expected, actual)]
        yield f"{path}: expected {kinds[0]}, came {kinds[1]}"
        return
    gap = (actual.double() - expected.double()).abs() / (1 + expected.double().abs())
    if gap.numel() and not bool((gap <= tolerance).all()):
        yield f"{path}: differs by up to {gap.max().item():.2e}, allowed {tolerance:.0e}"


def start(case, dtype, folder, tolerance):
    torch.save(advance(Run(case, dtype), 0, JAVA_STARTS), folder / f"{case['name']}.start.pt")
    return []


def relay(case, dtype, folder, tolerance):
    run = resume(case, dtype, load(folder / f"{case['name']}.start.pt"))
    torch.save(advance(run, JAVA_STARTS, JAVA_ENDS), folder / f"{case['name']}.java.pt")
    return []


def reference(case, dtype, folder, tolerance):
    run, first = Run(case, dtype), 0
    for last in (JAVA_STARTS, JAVA_ENDS, case["steps"]):
        torch.save(advance(run, first, last), folder / f"{case['name']}.reference.{last}.pt")
        first = last
    return []


def finish(case, dtype, folder, tolerance):
    uninterrupted = Run(case, dtype)
    expected = copy.deepcopy(advance(uninterrupted, 0, JAVA_ENDS))
    java = load(folder / f"{case['name']}.java.pt")
    found = [f"after Java: {line}" for line in differences(expected, without_init(java), tolerance)]
    try:
        continued = advance(resume(case, dtype, java), JAVA_ENDS, case["steps"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        return [*found, f"Python could not go on from Java's file: {type(error).__name__}: {error}"]
    expected = advance(uninterrupted, JAVA_ENDS, case["steps"])
    return found + [f"at the end: {line}" for line in differences(expected, continued, tolerance)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = {command.__name__: command for command in (start, finish, reference, relay)}
    parser.add_argument("command", choices=commands)
    parser.add_argument("golden", type=pathlib.Path, metavar="GOLDEN")
    parser.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--case", nargs="+", metavar="NAME")
    parser.add_argument("--dtype", choices=DTYPES, default="float64")
    parser.add_argument("--tolerance", type=float, default=1e-6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # Cooper's extragradient calls add_ by a signature that torch has deprecated.
    warnings.filterwarnings("ignore", category=UserWarning)
    repair_extra_sgd()
    arguments.folder.mkdir(parents=True, exist_ok=True)

    failed = False
    for case in read_cases(arguments.golden, arguments.case):
        command = commands[arguments.command]
        found = command(case, DTYPES[arguments.dtype], arguments.folder, arguments.tolerance)
        failed = failed or bool(found)
        print(f"{arguments.command} {case['name']}: {'differs' if found else 'ok'}")
        for line in found:
            print(f"  {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
