"""Looks up, as macOS's loader does, what the files of .ci/macos-check take of one another.

A Mach-O file names for each symbol that it does not define the library that has it; a library lists what
it exports in a trie. https://github.com/apple-oss-distributions/xnu, EXTERNAL_HEADERS/mach-o.
"""
import argparse
import collections
import pathlib
import re
import struct
import sys

LOADS = {0xC, 0x80000018, 0x8000001F, 0x80000023}  # LC_LOAD_DYLIB, …_WEAK_, LC_REEXPORT_, …_UPWARD_
MACOS_15 = 15 << 16


class MachO:
    def __init__(self, path):
        self.path = path
        self.data = path.read_bytes()
        if self.data[:4] == b"\xca\xfe\xba\xbe":  # universal, which here has one architecture
            self.data = self.data[struct.unpack_from(">I", self.data, 16)[0] :]
        magic, _, _, _, count, _, _, _ = struct.unpack_from("<8I", self.data)
        if magic != 0xFEEDFACF:
            raise ValueError(f"{path} is no 64-bit Mach-O file")
        self.libraries, self.oldest, self.id, self.trie, at = [], None, None, (0, 0), 32
        for _ in range(count):
            command, size = struct.unpack_from("<2I", self.data, at)
            words = struct.unpack_from(f"<{size // 4}I", self.data, at)
            if command in LOADS:
                self.libraries.append(self.string(at + words[2]))
            elif command == 0xD:  # LC_ID_DYLIB
                self.id = self.string(at + words[2])
            elif command == 0x2:  # LC_SYMTAB
                self.symbols, self.count, self.strings = words[2:5]
            elif command & 0x7FFFFFFF == 0x22:  # LC_DYLD_INFO(_ONLY)
                self.trie = words[10:12]
            elif command == 0x80000033:  # LC_DYLD_EXPORTS_TRIE
                self.trie = words[2:4]
            elif command == 0x32:  # LC_BUILD_VERSION
                self.oldest = words[3]
            at += size

    def string(self, at):
        return self.data[at : self.data.index(b"\0", at)].decode()

    def undefined(self):
        """The symbols taken of others, each with the library that it is expected in."""
        for i in range(self.count):
            name, kind, _, description, _ = struct.unpack_from("<IBBHQ", self.data, self.symbols + 16 * i)
            if kind & 0xE0 == 0 and kind & 0x0E == 0 and kind & 1:
                ordinal = description >> 8
                known = 0 < ordinal <= len(self.libraries)
                yield self.string(self.strings + name), self.libraries[ordinal - 1] if known else None

    def number(self, at):
        value = shift = 0
        while True:
            byte = self.data[at]
            value |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if byte < 0x80:
                return value, at

    def exports(self):
        start, size = self.trie
        names, nodes = set(), [(start, "")] if size else []
        while nodes:
            at, prefix = nodes.pop()
            terminal, at = self.number(at)
            if terminal:
                names.add(prefix)
            at += terminal
            children, at = self.data[at], at + 1
            for _ in range(children):
                edge = self.string(at)
                offset, at = self.number(at + len(edge) + 1)
                nodes.append((start + offset, prefix + edge))
        return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", type=pathlib.Path, help="the folder of LibTorch's libraries")
    parser.add_argument("--system", type=pathlib.Path, help="libSystem.tbd, the list of the system's symbols")
    parser.add_argument("--jni", type=pathlib.Path, help="the folder of the JNI libraries")
    parser.add_argument("--sources", type=pathlib.Path, nargs="+", help="the sources of the JNI functions")
    parser.add_argument("--programs", type=pathlib.Path, help="the folder of the programs")
    options = parser.parse_args()

    exported = {}
    for path in options.lib.glob("*.dylib"):
        library = MachO(path)
        exported[library.id] = library.exports()
    exported["/usr/lib/libSystem.B.dylib"] = set(re.findall(r"[\w$.]+", options.system.read_text()))

    faults = []
    jni = [MachO(path) for path in sorted(options.jni.glob("*.dylib"))]
    programs = []
    for path in sorted(options.programs.rglob("*")):
        if "CMakeFiles" not in path.parts and path.is_file() and path.read_bytes()[:4] == b"\xcf\xfa\xed\xfe" and path.suffix != ".o":
            programs.append(MachO(path))
    for file in jni + programs:
        taken = collections.Counter()
        for symbol, library in file.undefined():
            taken[library] += 1
            if symbol not in exported.get(library, ()):
                faults.append(f"{file.path.name}: {symbol} is not in {library}")
        if file.oldest != MACOS_15:
            faults.append(f"{file.path.name} is not made for macOS 15 and newer")
        counts = ", ".join(f"{pathlib.PurePath(str(name)).name} {count}" for name, count in taken.items())
        print(f"{file.path.name}: {counts}")
    if len(jni) != 2 or not programs:
        faults.append(f"{len(jni)} JNI libraries and {len(programs)} programs were built")
    for library in jni:
        if not library.id.startswith("@rpath/"):
            faults.append(f"{library.path.name} calls itself {library.id}")

    written = set()
    for source in options.sources:
        written.update(re.findall(r"^JNIEXPORT .*?JNICALL (Java_\w+)\(", source.read_text(), re.M))
    shown = {name[1:] for library in jni for name in library.exports() if name.startswith("_Java_")}
    print(f"JNI functions: {len(shown)}, in the sources {len(written)}")
    faults += [f"JNI function {name} is in one of sources and library only" for name in written ^ shown]
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
