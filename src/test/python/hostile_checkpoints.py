"""Writes src/test/resources/checkpoints/hostile/*.pt: files that a strict reader must refuse.

Needs nothing but Python. Every case names the attack; the tests say what the refusal must read like.
"""

import pathlib
import struct
import zlib

OUT = pathlib.Path(__file__).parents[1] / "resources/checkpoints/hostile"
STORED, DEFLATED = 0, 8


# --- the container -----------------------------------------------------------------------------


class Record:
    """One zip record; the keyword arguments replace what an honest writer would put."""

    def __init__(self, name, data, **lies):
        self.name, self.data, self.lies = name.encode(), data, lies

    def header(self, signature, middle, tail, side):
        lie = lambda key, value: self.lies.get(f"{side}_{key}", self.lies.get(key, value))
        size = lie("size", len(self.data))
        name = lie("name", self.name)
        return (
            struct.pack("<I", signature)
            + middle
            + struct.pack(
                "<HHHHIIIHH",
                lie("flags", 0),
                lie("method", STORED),
                0,
                0x21,
                lie("crc", zlib.crc32(self.data)),
                lie("packed", size),
                size,
                len(name),
                len(lie("extra", b"")),
            )
            + tail
            + name
            + lie("extra", b"")
        )

    def local(self):
        return self.header(0x04034B50, struct.pack("<H", 20), b"", "local") + self.data

    def central(self, offset):
        offset = self.lies.get("offset", offset)
        tail = struct.pack("<HHHII", len(self.lies.get("comment", b"")), 0, 0, 0, offset)
        entry = self.header(0x02014B50, struct.pack("<HH", 20, 20), tail, "central")
        return entry + self.lies.get("comment", b"")


def archive(records, before=b"", after=b"", comment=b"", count=None, directory_offset=None):
    body, entries = before, b""
    for record in records:
        entries += record.central(len(body))
        body += record.local()
    start = len(body) if directory_offset is None else directory_offset
    n = len(records) if count is None else count
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(entries), start, len(comment))
    return body + entries + end + comment + after


def checkpoint(pickle, storages=(b"\0" * 16,), lies=None, more=(), **container):
    records = [
        Record("archive/data.pkl", pickle, **(lies or {})),
        Record("archive/byteorder", b"little"),
        *[Record(f"archive/data/{i}", data) for i, data in enumerate(storages)],
        Record("archive/version", b"3\n"),
        *more,
    ]
    return archive(records, **container)


# --- the pickle --------------------------------------------------------------------------------

PROTO, STOP = b"\x80\x02", b"."


def text(s):
    return b"X" + struct.pack("<I", len(s.encode())) + s.encode()


def integer(i):
    if -(2**31) <= i < 2**31:
        return b"J" + struct.pack("<i", i)
    data = i.to_bytes(i.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


def call(name, *args):
    module, _, attribute = name.rpartition(".")
    return f"c{module}\n{attribute}\n".encode() + tuple_of(*args) + b"R"


def program(body):
    return PROTO + body + STOP


def storage(key="0", numel=4, kind="FloatStorage", location="cpu", tag="storage"):
    cls = f"ctorch\n{kind}\n".encode()
    return tuple_of(text(tag), cls, text(key), text(location), integer(numel)) + b"Q"


def tensor(sizes=(4,), strides=(1,), offset=0, hooks=None, **of):
    ints = lambda values: tuple_of(*map(integer, values))
    hooks = call("collections.OrderedDict") if hooks is None else hooks
    return call(
        "torch._utils._rebuild_tensor_v2",
        storage(**of), integer(offset), ints(sizes), ints(strides), b"\x89", hooks,
    )


def sparse(indices, values, sizes):
    size = call("torch.Size", tuple_of(*map(integer, sizes)))
    layout = call("torch.serialization._get_layout", text("torch.sparse_coo"))
    return call("torch._utils._rebuild_sparse_tensor", layout, tuple_of(indices, values, size, b"\x89"))


GOOD = program(b"}" + text("w") + tensor() + b"s")
HONEST = Record("archive/data.pkl", GOOD)


def deflate(data):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(data) + squeeze.flush()


def billion_laughs():
    """Each list holds the one before it ten times, through the memo."""
    body = b"]" + b"]" + text("ha") + b"aq\x00a"
    for i in range(1, 30):
        body += b"](" + (b"h" + bytes([i - 1])) * 10 + b"eq" + bytes([i]) + b"a"
    return program(body)


def tuple_laughs():
    """Each tuple is a pair of the one before it; the last is a key, whose hash is its items'."""
    body = b"]" + text("ha") + b"q\x00a"
    for i in range(1, 60):
        body += (b"h" + bytes([i - 1])) * 2 + b"\x86q" + bytes([i]) + b"a"
    return program(body + b"}h\x3bNsa")


def overlapping():
    """Fifield's zip bomb: the data of each record are the headers and data of all that follow."""
    inner = b""
    records = []
    for i in reversed(range(64)):
        record = Record(f"archive/data/{i}", inner)
        records.insert(0, record)
        inner = record.local()
    first = Record("archive/data.pkl", GOOD)
    body = first.local() + inner
    at = len(first.local())
    entries = first.central(0)
    for record in records:
        entries += record.central(at)
        at += len(record.local()) - len(record.data)
    n = len(records) + 1
    return body + entries + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(entries), len(body), 0)


def zip64_lie():
    """A locator to an end record that says something else than the classic one."""
    body, entries = HONEST.local(), HONEST.central(0)
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(entries), 0)
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(body) + len(entries), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entries), len(body), 0)
    return body + entries + end64 + locator + end


def cases():
    # Code execution: CVE-2025-32434's family, and every way to name what is not on the list.
    yield "global_os_system", checkpoint(program(call("os.system", text("true"))))
    yield "global_eval", checkpoint(program(call("builtins.eval", text("1"))))
    yield "global_getattr_chain", checkpoint(program(call("builtins.getattr", text("x"), text("y"))))
    yield "global_dotted_name", checkpoint(program(b"ctorch\nserialization.os.system\n" + tuple_of() + b"R"))
    yield "global_torch_load", checkpoint(program(call("torch.load", text("x"))))
    yield "global_without_end", checkpoint(PROTO + b"cos")
    yield "call_of_a_dtype", checkpoint(program(b"ctorch\nfloat32\n" + tuple_of() + b"R"))
    yield "call_of_a_str", checkpoint(program(text("f") + tuple_of() + b"R"))
    yield "object_of_another_class", checkpoint(program(b"ctorch\nFloatStorage\n)\x81"))
    yield "inst_opcode", checkpoint(program(b"(ios\nsystem\n"))
    yield "obj_opcode", checkpoint(program(b"(cos\nsystem\no"))
    yield "stack_global_opcode", checkpoint(program(text("os") + text("system") + b"\x93"))
    yield "extension_opcode", checkpoint(program(b"\x82\x01"))
    yield "frame_opcode", checkpoint(b"\x80\x04\x95" + struct.pack("<Q", 1) + b"N.")
    yield "float_opcode_of_protocol_0", checkpoint(program(b"F1.5\n"))
    yield "legacy_tar", b"archive/\0".ljust(512, b"\0") + b"\0" * 512
    yield "bare_pickle", GOOD
    # CVE-2026-24747's family: opcodes on the wrong type, storages that are not what they say.
    yield "setitem_on_a_list", checkpoint(program(b"]" + text("a") + text("b") + b"s"))
    yield "setitem_on_a_tensor", checkpoint(program(tensor() + text("a") + text("b") + b"s"))
    yield "setitems_on_a_str", checkpoint(program(text("x") + b"(" + text("a") + text("b") + b"u"))
    yield "setitems_odd", checkpoint(program(b"}(" + text("a") + b"u"))
    yield "append_to_a_tuple", checkpoint(program(b")N" + b"a"))
    yield "appends_to_a_dict", checkpoint(program(b"}(Ne"))
    yield "build_on_a_list", checkpoint(program(b"]" + b"}" + b"b"))
    yield "build_with_a_str", checkpoint(program(call("collections.OrderedDict") + text("x") + b"b"))
    yield "build_on_a_tensor_storage", checkpoint(program(storage() + b"}b"))
    yield "unhashable_key", checkpoint(program(b"}" + b"]" + b"Ns"))
    yield "set_of_lists", checkpoint(program(call("builtins.set", b"]" + b"]a")))
    yield "ok_storage_as_a_value", checkpoint(program(b"}" + text("s") + storage() + b"s"))
    yield "storage_twice_with_two_types", checkpoint(
        program(b"]" + tensor() + b"a" + tensor(kind="DoubleStorage", numel=2, sizes=(2,)) + b"a")
    )
    yield "storage_twice_with_two_sizes", checkpoint(
        program(b"]" + tensor() + b"a" + tensor(numel=2, sizes=(2,)) + b"a")
    )
    yield "storage_of_another_size", checkpoint(program(tensor(numel=5)))
    yield "storage_absent", checkpoint(program(tensor(key="7")))
    yield "storage_key_with_a_path", checkpoint(program(tensor(key="../version")))
    yield "storage_of_no_type", checkpoint(program(tensor(kind="Tensor")))
    yield "storage_tag_unknown", checkpoint(program(tensor(tag="module")))
    yield "storage_of_1_gib_over_16_bytes", checkpoint(program(tensor(numel=1 << 28, sizes=(1 << 28,))))
    yield "storage_of_a_negative_size", checkpoint(program(tensor(numel=-4)))
    yield "storage_size_overflows", checkpoint(program(tensor(numel=(1 << 62) + 1)))
    yield "storage_on_an_odd_device", checkpoint(program(tensor(location="cpu\n;rm")))
    # Views that leave their storage.
    yield "view_past_the_end", checkpoint(program(tensor(sizes=(5,))))
    yield "view_by_offset", checkpoint(program(tensor(offset=1)))
    yield "view_by_negative_offset", checkpoint(program(tensor(offset=-1)))
    yield "view_by_stride", checkpoint(program(tensor(sizes=(2,), strides=(4,))))
    yield "view_by_negative_stride", checkpoint(program(tensor(strides=(-1,), offset=3)))
    yield "view_of_negative_size", checkpoint(program(tensor(sizes=(-1,))))
    yield "view_size_overflows", checkpoint(program(tensor(sizes=(1 << 32, 1 << 32), strides=(0, 0))))
    yield "view_stride_overflows", checkpoint(program(tensor(sizes=(3, 3), strides=(1 << 62, 1))))
    yield "view_offset_overflows", checkpoint(program(tensor(sizes=(1,), offset=(1 << 63) - 1)))
    yield "view_ranks_differ", checkpoint(program(tensor(sizes=(2, 2), strides=(1,))))
    yield "view_of_4096_dimensions", checkpoint(program(tensor(sizes=(1,) * 4096, strides=(1,) * 4096)))
    yield "view_with_big_int_size", checkpoint(program(tensor(sizes=(1 << 80,))))
    yield "hooks_not_empty", checkpoint(
        program(tensor(hooks=call("collections.OrderedDict") + text("a") + b"Ns"))
    )
    yield "metadata_unknown", checkpoint(
        program(
            call(
                "torch._utils._rebuild_tensor_v2", storage(), integer(0), tuple_of(integer(4)),
                tuple_of(integer(1)), b"\x89", call("collections.OrderedDict"),
                b"}" + text("backward_hooks") + b"\x88s",
            )
        )
    )
    two = lambda **of: tensor(sizes=(1, 2), strides=(2, 1), **of)
    longs = struct.pack("<2q", 0, 9)
    indices = two(kind="LongStorage", numel=2)
    values = tensor(key="1", numel=2, sizes=(2,))
    yield "sparse_index_past_the_end", checkpoint(program(sparse(indices, values, (5,))), (longs, b"\0" * 8))
    yield "sparse_index_negative", checkpoint(
        program(sparse(indices, values, (5,))), (struct.pack("<2q", 0, -1), b"\0" * 8)
    )
    yield "sparse_indices_of_floats", checkpoint(program(sparse(two(), values, (5,))), (b"\0" * 16, b"\0" * 8))
    yield "sparse_counts_differ", checkpoint(
        program(sparse(indices, tensor(key="1", numel=2, sizes=(1,)), (50,))), (longs, b"\0" * 8)
    )
    # Depth, growth, memo.
    yield "tuples_100000_deep", checkpoint(program(b")" + b"\x85" * 100_000))
    yield "lists_100000_deep", checkpoint(program(b"]" * 100_000 + b"a" * 99_999))
    yield "dicts_20000_deep", checkpoint(program(b"}N" * 20_000 + b"}" + b"s" * 20_000))
    yield "marks_100000_open", checkpoint(PROTO + b"(" * 100_000 + STOP)
    yield "sizes_in_sizes", checkpoint(program(call("torch.Size", call("torch.Size", b")") + b"\x85")))
    yield "tuple_laughs", checkpoint(tuple_laughs())
    yield "tensor_rebuilt_from_its_type_deeply", checkpoint(
        program(b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n)}tR")
    )
    yield "memo_unknown", checkpoint(program(b"h\x05"))
    yield "memo_of_nothing", checkpoint(PROTO + b"q\x00.")
    yield "memo_sparse_index", checkpoint(program(b"Nr\xff\xff\xff\xff"))
    yield "text_longer_than_the_file", checkpoint(PROTO + b"X" + struct.pack("<I", 0xFFFFFFFF) + b"a")
    yield "text_not_utf8", checkpoint(program(b"X" + struct.pack("<I", 2) + b"\xc0\x80"))
    yield "long_of_negative_length", checkpoint(PROTO + b"\x8b" + struct.pack("<i", -1) + STOP)
    yield "long_cut", checkpoint(PROTO + b"\x8a\x09\x01" + STOP)
    yield "latin1_beyond", checkpoint(program(call("_codecs.encode", text("\u0100"), text("latin1"))))
    yield "codec_other", checkpoint(program(call("_codecs.encode", text("a"), text("rot13"))))
    # The ends of the pickle.
    yield "pickle_empty", checkpoint(b"")
    yield "pickle_without_stop", checkpoint(PROTO + b"N")
    yield "pickle_stop_on_nothing", checkpoint(PROTO + STOP)
    yield "pickle_two_values", checkpoint(program(b"NN"))
    yield "pickle_trailing_bytes", checkpoint(program(b"N") + b"N.")
    yield "pickle_open_mark", checkpoint(program(b"(N"))
    yield "pickle_mark_as_a_value", checkpoint(program(b"(\x85"))
    yield "pickle_protocol_5", checkpoint(b"\x80\x05N.")
    yield "pickle_protocol_missing", checkpoint(b"N.")
    yield "pickle_protocol_twice", checkpoint(PROTO + PROTO + b"N.")
    # The container: what two readers would read differently.
    yield "zip_empty", b""
    yield "zip_end_only", archive([])
    yield "zip_deflated", archive(
        [Record("archive/data.pkl", deflate(GOOD), method=DEFLATED, size=len(GOOD), packed=len(deflate(GOOD)))]
    )
    yield "zip_encrypted", checkpoint(GOOD, lies={"flags": 1})
    yield "zip_bytes_before", checkpoint(GOOD, before=b"#!/bin/sh\n")
    yield "zip_bytes_after", checkpoint(GOOD, after=b"more")
    yield "zip_comment", checkpoint(GOOD, comment=b"PK\x05\x06" + b"\0" * 18)
    yield "zip_record_comment", checkpoint(GOOD, lies={"comment": b"hello"})
    yield "zip_bytes_between", checkpoint(GOOD, lies={"size": len(GOOD) - 1})
    yield "zip_overlap", overlapping()
    yield "zip_local_name_differs", checkpoint(GOOD, lies={"local_name": b"archive/data.pkx"})
    yield "zip_local_size_differs", checkpoint(GOOD, lies={"local_size": 1})
    yield "zip_local_crc_differs", checkpoint(GOOD, lies={"local_crc": 1})
    yield "zip_local_method_differs", checkpoint(GOOD, lies={"local_method": DEFLATED})
    yield "zip_crc_wrong", checkpoint(GOOD, lies={"crc": 1})
    yield "zip_two_sizes", checkpoint(GOOD, lies={"central_packed": 1})
    yield "zip_offset_past_the_end", checkpoint(GOOD, lies={"offset": 0x7FFFFFFF})
    yield "zip_offset_into_data", checkpoint(GOOD, lies={"offset": 7})
    yield "zip_size_past_the_end", checkpoint(GOOD, lies={"size": 0x7FFFFFFF})
    yield "zip_size_needs_zip64", checkpoint(GOOD, lies={"size": 0xFFFFFFFF})
    yield "zip_twice_the_same_name", checkpoint(GOOD, more=[Record("archive/data.pkl", program(b"N"))])
    yield "zip_same_name_in_capitals", checkpoint(GOOD, more=[Record("archive/DATA.PKL", program(b"N"))])
    yield "zip_two_roots", checkpoint(GOOD, more=[Record("other/data.pkl", program(b"N"))])
    yield "zip_no_root", archive([Record("data.pkl", GOOD)])
    yield "zip_absolute_name", archive([Record("/archive/data.pkl", GOOD)])
    yield "zip_name_with_nul", archive([Record("archive/data.pkl\0.txt", GOOD)])
    yield "zip_name_with_backslash", archive([Record("archive\\data.pkl", GOOD)])
    yield "zip_unicode_path_extra", checkpoint(
        GOOD, lies={"extra": struct.pack("<HHBI", 0x7075, 9, 1, 0) + b"evil"}
    )
    yield "zip_extra_cut", checkpoint(GOOD, lies={"extra": struct.pack("<HH", 1, 100)})
    yield "zip_count_too_large", checkpoint(GOOD, count=60_000)
    yield "zip_count_too_small", checkpoint(GOOD, count=1)
    yield "zip_directory_elsewhere", checkpoint(GOOD, directory_offset=0)
    yield "zip64_end_differs", zip64_lie()
    # The records that belong to a checkpoint.
    yield "record_data_pkl_missing", archive([Record("archive/version", b"3\n")])
    yield "record_version_missing", archive([Record("archive/data.pkl", program(b"N"))])
    yield "record_version_of_the_future", archive(
        [Record("archive/data.pkl", program(b"N")), Record("archive/version", b"99\n")]
    )
    yield "record_version_no_number", archive(
        [Record("archive/data.pkl", program(b"N")), Record("archive/version", b"three")]
    )
    yield "record_byteorder_unknown", archive(
        [
            Record("archive/data.pkl", program(b"N")),
            Record("archive/byteorder", b"middle"),
            Record("archive/version", b"3\n"),
        ]
    )
    yield "record_torchscript", archive(
        [
            Record("archive/data.pkl", program(b"N")),
            Record("archive/constants.pkl", program(b")")),
            Record("archive/code/__torch__.py", b""),
            Record("archive/version", b"3\n"),
        ]
    )


def harmless():
    """Odd, but right: a strict reader takes them, and in little memory."""
    yield "ok_honest", checkpoint(GOOD)
    yield "ok_lists_that_share", checkpoint(billion_laughs())
    yield "ok_list_in_itself", checkpoint(program(b"]q\x00h\x00a"))
    yield "ok_dict_in_itself", checkpoint(program(b"}q\x00" + text("me") + b"h\x00s"))
    yield "ok_900_deep", checkpoint(program(b"]" * 900 + b"a" * 899))
    yield "ok_no_byteorder", archive(
        [Record("archive/data.pkl", program(b"N")), Record("archive/version", b"3\n")]
    )
    yield "ok_no_checksums", archive(
        [
            Record("archive/data.pkl", program(b"N"), crc=0),
            Record("archive/version", b"3\n", crc=0),
        ]
    )
    yield "ok_expanded_view", checkpoint(program(tensor(sizes=(1 << 20,), strides=(0,))))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.pt"):
        old.unlink()
    for name, data in [*cases(), *harmless()]:
        (OUT / f"{name}.pt").write_bytes(data)


if __name__ == "__main__":
    main()
