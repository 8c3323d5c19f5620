"""Writes src/test/resources/checkpoints/good/*: what torch.save and safetensors write, with their trees.

    checkpoint_samples.py                makes the files
    checkpoint_samples.py check FOLDER   checks what cooper4j made of them

Needs torch 2.10.0, cooper-optim 1.0.1, safetensors. trees.jsonl holds one line a file in the format
of `inspect --json`, made here from what torch.load gives, independently of the reader under test.
"""

import collections
import hashlib
import io
import json
import pathlib
import struct
import sys
import zipfile

import cooper
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

OUT = pathlib.Path(__file__).parents[1] / "resources/checkpoints/good"


# --- trees -------------------------------------------------------------------------------------


def bits(x):
    return struct.pack(">d", x).hex()


def element_bytes(t):
    """The logical values, row-major; whole storages are read, so that every dtype works."""
    t = t.detach().resolve_conj().resolve_neg().contiguous()
    size = t.element_size()
    raw = bytes(t.untyped_storage())
    return raw[t.storage_offset() * size : (t.storage_offset() + t.numel()) * size]


class Tree:
    def __init__(self):
        self.ids, self.keep, self.storages = {}, [], {}

    def of(self, x):
        known = self.ids.get(id(x))
        if known is not None:
            return {"t": "ref", "id": known}
        tag = self.tag(x)
        tree = {"t": tag}
        if tag in ("bytearray", "list", "set", "dict", "odict", "counter", "defaultdict") or torch.is_tensor(x):
            self.ids[id(x)] = tree["id"] = len(self.ids)
        self.keep.append(x)
        self.members(x, tag, tree)
        return tree

    def tag(self, x):
        if torch.is_tensor(x):
            return {torch.sparse_coo: "sparse_coo", torch.sparse_csr: "sparse_csr"}.get(x.layout, "tensor")
        names = {
            type(None): "none", bool: "bool", int: "int", float: "float", complex: "complex",
            str: "str", bytes: "bytes", bytearray: "bytearray", list: "list", tuple: "tuple",
            set: "set", dict: "dict", collections.OrderedDict: "odict",
            collections.Counter: "counter", collections.defaultdict: "defaultdict",
            torch.Size: "size", torch.dtype: "dtype", torch.device: "device", torch.layout: "layout",
        }
        return names.get(type(x), "enum")

    def members(self, x, tag, tree):
        if tag == "bool":
            tree["v"] = x
        elif tag in ("int", "str", "device", "layout"):
            tree["v"] = str(x)
        elif tag == "float":
            tree["bits"] = bits(x)
        elif tag == "complex":
            tree["re"], tree["im"] = bits(x.real), bits(x.imag)
        elif tag in ("bytes", "bytearray"):
            tree["hex"] = x.hex()
        elif tag == "dtype":
            tree["v"] = str(x).removeprefix("torch.")
        elif tag == "size":
            tree["v"] = list(x)
        elif tag in ("list", "tuple", "set"):
            tree["items"] = [self.of(item) for item in x]
        elif tag in ("dict", "odict", "counter", "defaultdict"):
            tree["items"] = [[self.of(k), self.of(v)] for k, v in x.items()]
            if tag == "odict" and x.__dict__:
                tree["attrs"] = self.of(x.__dict__)
        elif tag == "enum":
            tree["cls"] = f"{type(x).__module__}.{type(x).__qualname__}"
            tree["v"] = self.of(x.value)
        elif tag == "sparse_coo":
            tree["shape"], tree["coalesced"] = list(x.shape), x.is_coalesced()
            tree["indices"], tree["values"] = self.of(x._indices()), self.of(x._values())
        elif tag == "sparse_csr":
            tree["shape"] = list(x.shape)
            tree["crow"], tree["col"] = self.of(x.crow_indices()), self.of(x.col_indices())
            tree["values"] = self.of(x.values())
        elif tag == "tensor":
            self.tensor(x, tree)

    def tensor(self, x, tree):
        storage = x.untyped_storage()
        self.keep.append(storage)
        tree |= {
            "dtype": str(x.dtype).removeprefix("torch."), "shape": list(x.shape),
            "stride": list(x.stride()), "offset": x.storage_offset(),
            "requires_grad": x.requires_grad,
            "param": isinstance(x, torch.nn.Parameter), "conj": x.is_conj(), "neg": x.is_neg(),
            "storage": self.storages.setdefault(storage._cdata, len(self.storages)),
            "storage_nbytes": storage.nbytes(),
            "sha256": hashlib.sha256(element_bytes(x)).hexdigest(),
        }
        if x.__dict__:
            tree["attrs"] = self.of(x.__dict__)


# --- what is saved -----------------------------------------------------------------------------

DTYPES = (
    "float64 float32 float16 bfloat16 complex128 complex64 complex32 uint8 int8 int16 int32 int64 "
    "uint16 uint32 uint64 bool float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu"
).split()


def of_dtype(name):
    dtype = getattr(torch, name)
    raw = torch.arange(1, 6 * dtype.itemsize + 1, dtype=torch.uint8)
    return (raw % 2 if dtype == torch.bool else raw).view(dtype).reshape(2, 3)


def dtypes():
    tree = {name: of_dtype(name) for name in DTYPES}
    tree["zero_dim"] = {name: of_dtype(name)[0, 0].clone() for name in DTYPES}
    tree["empty"] = [torch.empty(0, dtype=getattr(torch, name)) for name in DTYPES]
    return tree


def views():
    base = torch.arange(24.0).reshape(2, 3, 4)
    complexes = torch.tensor([1 + 2j, 3 - 4j])
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    with_state = torch.nn.Parameter(torch.tensor([3.0]))
    with_state.group = "decay"
    named = torch.tensor([4.0])
    named.origin = {"epoch": 3}
    shared = [base[0], base.transpose(0, 2), base]
    return {
        "base": base, "slice": base[1, ::2, 1:3], "transposed": base.transpose(0, 2),
        "expanded": base[0, 0, :1].expand(5), "strided": base[:, 1], "shared": shared,
        "channels_last": torch.arange(48.0).reshape(1, 3, 4, 4).to(memory_format=torch.channels_last),
        "conj": complexes.conj(), "neg": torch._neg_view(torch.tensor([1.0, -2.0])), "requires_grad": torch.ones(1, requires_grad=True),
        "parameter": parameter, "frozen": torch.nn.Parameter(torch.ones(1), requires_grad=False),
        "parameter_again": parameter, "parameter_with_state": with_state, "with_attributes": named,
        "buffer": torch.nn.Buffer(torch.ones(2)),
    }


def containers():
    loop = [1]
    loop.append(loop)
    ordered = collections.OrderedDict(b=1, a=2)
    ordered.note = "kept"
    ring = {}
    ring["self"] = ring
    shared = [1.5]
    return {
        "set": {"one"}, "empty_set": set(), "bytes": b"\x00\xff\n", "no_bytes": b"", "bytearray": bytearray(b"ab"),
        "size": torch.Size([2, 0]), "dtype": torch.bfloat16, "device": torch.device("cuda", 1), "cpu": torch.device("cpu"),
        "layout": torch.sparse_csr, "counter": collections.Counter("aab"), "defaultdict": collections.defaultdict(list, k=[1]),
        "ordered": ordered, "loop": loop, "ring": ring, "shared": [shared, shared], "tuple": (1, (), (2, (3, 4, 5, 6))),
        "big": [2**63, -(2**63) - 1, 2**2000, -(2**200)], "text": ["", "naïve 😀", "lone \ud800", "quote\"\\\n\x7f"],
        1: "int", 2.5: "float", (1, "t"): "tuple", None: "none", True: "bool is int 1", b"k": "bytes",
        "nested": {"a": [{"b": [()]}]},
    }


def sparse():
    indices = torch.tensor([[2, 0, 2], [1, 0, 1]])
    coo = torch.sparse_coo_tensor(indices, torch.tensor([1.0, 2.0, 3.0]), (3, 2))
    hybrid = torch.sparse_coo_tensor([[0, 1]], torch.ones(2, 2, dtype=torch.float64), (3, 2))
    return {"coo": coo, "coalesced": coo.coalesce(), "hybrid": hybrid, "csr": coo.to_dense().to_sparse_csr()}


def training():
    """A model, two constraints with penalties, and optimizers of several kinds after three steps."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))

    class Problem(cooper.ConstrainedMinimizationProblem):
        def __init__(self):
            super().__init__()
            self.norm = cooper.Constraint(
                constraint_type=cooper.ConstraintType.INEQUALITY,
                formulation_type=cooper.formulations.AugmentedLagrangian,
                multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1),
                penalty_coefficient=cooper.penalty_coefficients.DensePenaltyCoefficient(torch.tensor(1.0)),
            )
            self.rows = cooper.Constraint(
                constraint_type=cooper.ConstraintType.EQUALITY,
                multiplier=cooper.multipliers.IndexedMultiplier(num_constraints=4),
            )

        def compute_cmp_state(self, x):
            weight = model[0].weight
            norm = cooper.ConstraintState(violation=(weight**2).sum() - 1)
            rows = cooper.ConstraintState(violation=weight.sum(0)[:2], constraint_features=torch.tensor([3, 1]))
            return cooper.CMPState(
                loss=model(x).square().mean(), observed_constraints={self.norm: norm, self.rows: rows}
            )

    cmp = Problem()
    multipliers = list(cmp.multipliers())
    optimizer = cooper.optim.SimultaneousOptimizer(
        cmp=cmp,
        primal_optimizers=[
            torch.optim.AdamW(model[0].parameters(), lr=1e-2, amsgrad=True),
            torch.optim.RMSprop(model[1].parameters(), lr=1e-2, momentum=0.9, centered=True),
        ],
        dual_optimizers=[
            torch.optim.SGD(multipliers[0].parameters(), lr=0.1, momentum=0.5, maximize=True),
            cooper.optim.nuPI(multipliers[1].parameters(), lr=0.1, Kp=0.2, maximize=True),
        ],
    )
    for _ in range(3):
        optimizer.roll(compute_cmp_state_kwargs={"x": torch.randn(5, 3)})
    return {
        "model": model.state_dict(), "cmp": cmp.state_dict(), "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(), "epoch": 3,
    }


# --- files that torch.save does not write by itself ------------------------------------------------


def repack(data, change):
    """The same records, as `change` returns them; what a plain zip writer makes of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            record = change(name.split("/", 1)[1], old.read(name))
            if record is not None:
                new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), record)
    return out.getvalue()


def saved(tree, **options):
    out = io.BytesIO()
    torch.save(tree, out, **options)
    return out.getvalue()


def big_endian(tree, size):
    def change(name, data):
        if name == "byteorder":
            return b"big"
        if not name.startswith("data/"):
            return data
        return b"".join(data[i : i + size][::-1] for i in range(0, len(data), size))

    return repack(saved(tree), change)


def files():
    plain = {"w": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7.0)}
    yield "dtypes", dtypes(), None
    yield "views", views(), None
    yield "containers", containers(), None
    yield "sparse", sparse(), None
    yield "training", training(), None
    yield "protocol3", plain, saved(plain, pickle_protocol=3)
    yield "no_byteorder", plain, repack(saved(plain), lambda name, data: None if name == "byteorder" else data)
    yield "big_endian", plain, big_endian(plain, 4)
    on_cuda = lambda name, data: data.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:3") if name == "data.pkl" else data
    yield "on_cuda", plain, repack(saved(plain), on_cuda)
    torch.serialization.set_crc32_options(False)
    yield "no_checksums", plain, saved(plain)
    torch.serialization.set_crc32_options(True)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, tree, data in files():
        if data is None:
            data = saved(tree)
        (OUT / f"{name}.pt").write_bytes(data)
        if name != "on_cuda":
            tree = torch.load(io.BytesIO(data), weights_only=False)
        lines.append({"file": f"{name}.pt", "ok": True, "tree": Tree().of(tree)})
    weights = {"b.bias": torch.tensor([1.5]), "a.weight": torch.arange(6.0).reshape(2, 3), "empty": torch.empty(0, 2)}
    weights |= {name: of_dtype(name) for name in DTYPES if "fnuz" not in name and name not in ("complex128", "complex32")}
    save_file(weights, OUT / "weights.safetensors", metadata={"format": "pt", "note": "naïve \"q\""})
    (OUT / "trees.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def check(folder):
    """Stock torch and safetensors read what cooper4j made of the samples, and find the same trees."""
    torch.serialization.add_safe_globals([cooper.optim.torch_optimizers.nupi_optimizer.nuPIInitType])
    for line in map(json.loads, (OUT / "trees.jsonl").read_text().splitlines()):
        tree = Tree().of(torch.load(folder / line["file"], weights_only=True))
        expected = json.loads(json.dumps(line["tree"]).replace('"t": "defaultdict"', '"t": "dict"'))
        assert tree == expected, line["file"]
    ours, theirs = load_file(folder / "weights.safetensors"), load_file(OUT / "weights.safetensors")
    assert list(ours) == list(theirs)
    for name in theirs:
        assert element_bytes(ours[name]) == element_bytes(theirs[name]), name
    with safe_open(folder / "weights.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "note": 'naïve "q"'}


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(pathlib.Path(sys.argv[2]))
    else:
        main()
