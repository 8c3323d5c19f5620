"""Writes src/test/resources/checkpoints/wild/*, and their pickles as seeds of the fuzzers: what people's programs write beyond tensors in dicts.

Needs torch 2.10.0 and numpy. WildCheckpointTest says what is right for each.
"""

import argparse
import collections
import io
import os
import pathlib
import warnings
import zipfile

import numpy as np
import torch

OUT = pathlib.Path(__file__).parents[1] / "resources/checkpoints/wild"
SEEDS = pathlib.Path(__file__).parents[3] / "native/fuzz/pickles"


class AttributeDict(dict):
    """As Lightning's: a dict of another class."""


class Unset:
    def __reduce__(self):
        return os.system, ("true",)


def weights():
    return {"weight": torch.ones(1, 3), "bias": torch.zeros(1)}


def of_numpy_1(name):
    """The same file with the module names that numpy had before version 2."""
    out = io.BytesIO()
    with zipfile.ZipFile(OUT / f"{name}.pt") as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry).replace(b"cnumpy._core.", b"cnumpy.core.")
            new.writestr(entry.filename.replace(name, f"{name}_1"), data)
    (OUT / f"{name}_1.pt").write_bytes(out.getvalue())


def numpy_values():
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    return {
        "float64": np.float64(71.5),
        "float32": np.float32(0.5),
        "float16": np.float16(-1.5),
        "int64": np.int64(-7),
        "uint64": np.uint64(2**64 - 1),
        "bool": np.bool_(True),
        "complex": np.complex128(1 - 2j),
        "matrix": matrix,
        "fortran": np.asfortranarray(matrix),
        "big": matrix.astype(">f4"),
        "bytes": np.array([True, False]),
        "uint16": np.array([1, 65535], dtype=np.uint16),
        "scalar": np.array(3.0),
        "empty": np.zeros((0, 4)),
        "shared": [matrix, matrix],
    }


def opaque_values():
    hyper = AttributeDict(lr=0.1)
    hyper.tensor = torch.ones(2)
    return {
        "state_dict": weights(),
        "args": argparse.Namespace(lr=0.1, layers=[1, 2]),
        "path": pathlib.PurePosixPath("/data/x"),
        "queue": collections.deque([1, 2], maxlen=3),
        "hyper": hyper,
        "class": torch.nn.Linear,
        "objects": np.array([None, "a"], dtype=object),
        "texts": np.array(["a", "b"]),
        "system": Unset(),
        "epoch": 3,
    }


def parameters():
    plain = torch.nn.Parameter(torch.tensor(0.5))
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    frozen.note = "kept"
    tagged = torch.ones(2)
    tagged.owner = {"name": "me", "friend": plain}
    return {"plain": plain, "frozen": frozen, "tagged": tagged}


def sparse():
    square = torch.eye(4) * 2
    return {
        "csc": square.to_sparse_csc(),
        "bsr": square.to_sparse_bsr((2, 2)),
        "bsc": square.to_sparse_bsc((2, 1)),
        "csr": square.to_sparse_csr(),
    }


def tensors_that_are_not_read():
    quantised = torch.quantize_per_tensor(torch.ones(4), 0.1, 10, torch.quint8)
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    return {"quantised": quantised, "meta": torch.empty(2, 3, device="meta"), "nested": nested}


def main():
    warnings.filterwarnings("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    files = {
        "numpy": numpy_values(),
        "opaque": opaque_values(),
        "root_list": list(weights().values()),
        "root_tensor": torch.ones(1, 3),
        "root_none": None,
        "int_keys": {"by_class": {0: 0.5, 1: 0.7}, "runs": [{"epoch": 1}, (2, "x")]},
        "parameters": parameters(),
        "ddp": {f"module.{name}": value for name, value in weights().items()},
        "sparse_compressed": sparse(),
        "storage": {"s": torch.arange(3, dtype=torch.int64).untyped_storage()},
        **{name: {"x": value} for name, value in tensors_that_are_not_read().items()},
    }
    for name, value in files.items():
        torch.save(value, OUT / f"{name}.pt")
    of_numpy_1("numpy")
    for name in files:
        with zipfile.ZipFile(OUT / f"{name}.pt") as file:
            (SEEDS / f"wild_{name}.pkl").write_bytes(file.read(f"{name}/data.pkl"))
    legacy = {
        "legacy": {**weights(), "view": torch.arange(6.0)[2:4], "epoch": 3, "half": torch.ones(2).half()},
        "legacy_root": torch.ones(1, 3),
        "legacy_opaque": {"state_dict": weights(), "args": argparse.Namespace(lr=0.1)},
        "legacy_empty": {},
    }
    for name, value in legacy.items():
        torch.save(value, OUT / f"{name}.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
