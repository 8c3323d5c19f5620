"""Writes native/fuzz/pickles/costly_*.pkl: seeds of the fuzzers that ask for much by little.

Needs nothing but Python. native/test/checkpoint/budget_test.cc has the same kinds at two sizes.
"""

import pathlib
import struct

from hostile_checkpoints import call, integer, program, sparse, tensor, text, tuple_of

SEEDS = pathlib.Path(__file__).parents[3] / "native/fuzz/pickles"
PUT, GET = b"q\x01", b"h\x01"
NAN = b"G" + struct.pack(">d", float("nan"))


def list_of(first, count=60):
    """One value, then its memo again and again."""
    return program(b"](" + first + PUT + GET * count + b"e")


def again(function, *args, count=60):
    """One call, then it again and again with the arguments that the memo holds."""
    module, _, name = function.rpartition(".")
    first = f"c{module}\n{name}\n".encode() + b"q\x04" + tuple_of(*args) + b"q\x05R"
    return program(b"](" + first + b"h\x04h\x05R" * count + b"e")


def seeds():
    long_tuple = tuple_of(*[b"K\x01"] * 60)
    yield "stretched", program(tensor(sizes=(1 << 40,), strides=(0,)))
    yield "stretched_indices", program(
        sparse(
            tensor(sizes=(1, 1 << 40), strides=(0, 0), key="2", kind="LongStorage"),
            tensor(sizes=(1 << 40,), strides=(0,)),
            (10,),
        )
    )
    yield "texts", list_of(text("\x01" * 60))
    yield "sizes", list_of(call("torch.Size", long_tuple))
    yield "tuples", list_of(long_tuple)
    yield "long_integers", list_of(b"\x8a\xff" + b"\x77" * 255)
    yield "dicts", list_of(b"}(" + b"".join(b"K" + bytes([i]) + b"N" for i in range(60)) + b"u")
    yield "nan_keys", program(b"}(" + (NAN + b"N") * 60 + b"u")
    pair = tuple_of(long_tuple, b"N")
    yield "equal_keys", again("collections.OrderedDict", b"](" + pair * 8 + b"e")
    yield "sets", again("__builtin__.set", b"](" + b"".join(map(integer, range(60))) + b"e")
    yield "bytes", again("_codecs.encode", text("b" * 60), text("latin1"))
    yield "names", program((b"}" + text("k" * 60) + PUT) + (b"}" + GET) * 60 + tensor() + b"s" * 61)


def main():
    for name, pickle in seeds():
        (SEEDS / f"costly_{name}.pkl").write_bytes(pickle)


if __name__ == "__main__":
    main()
