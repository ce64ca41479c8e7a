#!/usr/bin/env python3
"""What a fuzz target starts from: seeds.py TARGET FOLDER

Fills the new folder with inputs for the target, made by the oracle (tests/spec) and by hand: the same ones each
time. A target that needs none gets an empty folder.
"""
import pathlib
import random
import sys

spec_folder = pathlib.Path(__file__).resolve().parents[1] / "spec"
sys.path.insert(0, str(spec_folder))
sys.dont_write_bytecode = True

from xdr_encode import encode  # noqa: E402
from xdr_language import parse_file  # noqa: E402
from xdr_random import Values  # noqa: E402

FILES = ["xdr.x", "rpc.x", "nfs3.x", "mount1.x", "mount3.x", "portmap2.x", "rpcbind.x",
         "nlm4.x", "nlm3.x", "nsm.x"]
BETWEEN = 0xCA11CA11  # see dispatcher.cpp
HANDLES = 14
HANDLE_BYTES_MAX = 64
NAMES = [b"file", b"directory", b"link", b"fifo", b"private", b"new", b".", b"..", b"", b"a/b", b"x" * 256]
PATHS = [b"/tree", b"/squashed/", b"/readonly", b"/other/directory", b"/tree/file", b"/", b"/../tree", b"tree"]
BYTES_MAX = 4096  # longer seeds only slow the fuzzer down


def words(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


class WorldValues(Values):
    """Values that have to do with the objects there are, rather than any."""

    def make_opaque(self, node, path):
        if not node.string and (node.bound == HANDLE_BYTES_MAX or path.endswith(".fh")):
            return words(0xBE770000 + self.below(HANDLES))
        if node.string and self.below(4):
            return self.draw(path, "known", PATHS if "dirpath" in path or path == "" else NAMES)
        return super().make_opaque(node, path)


def vectors(file, types, count):
    """Encodings of random values of the types."""
    spec = parse_file(str(spec_folder / file))
    for name in types:
        values = Values(spec, f"fuzz {name}")
        for _ in range(count):
            yield encode(spec, spec.named(name), values.value(spec.named(name)))


def procedures():
    for file in FILES:
        spec = parse_file(str(spec_folder / file))
        for procedure in spec.procedures:
            yield file, spec, procedure


def choice_of(name):
    """See codec.cpp."""
    folded = 2166136261
    for byte in name.encode():
        folded = (folded ^ byte) * 16777619 & 0xFFFFFFFF
    return bytes([(folded >> 24 ^ folded >> 16 ^ folded >> 8 ^ folded) & 0xFF])


def codec():
    for file in FILES:
        for name in parse_file(str(spec_folder / file)).types:
            for vector in vectors(file, [name], 4):
                yield choice_of(name) + vector
    for file, _, procedure in procedures():
        for vector in vectors(file, [procedure.argument, procedure.result], 2):
            yield choice_of(procedure.name) + vector


def reply():
    places = {(100003, 3): 0, (100005, 3): 1, (100005, 2): 2, (100000, 2): 3, (100000, 4): 4}
    for file, _, procedure in procedures():
        place = places.get((procedure.program_number, procedure.version_number))
        if place is not None:
            header = words(32 * place + procedure.number, 1, 0, 0, 0, 0)
            for vector in vectors(file, [procedure.result], 6):
                yield header + vector
    for vector in vectors("rpc.x", ["rpc_msg"], 16):
        yield vector


def call(spec, procedure, values, number):
    machine = words(6) + b"client" + bytes(2)
    users = [words(0, 0), words(1, 28) + words(0) + machine + words(0, 0, 0),
             words(1, 36) + words(0) + machine + words(1000, 100, 2, 100, 10)]
    credential = users[number % len(users)]
    argument = spec.named(procedure.argument)
    return (words(number, 0, 2, procedure.program_number, procedure.version_number, procedure.number) + credential
            + words(0, 0) + encode(spec, argument, values.value(argument)))


def dispatcher():
    singles = []
    for _, spec, procedure in procedures():
        values = WorldValues(spec, f"fuzz {procedure.name}")
        for _ in range(8):
            singles.append(call(spec, procedure, values, len(singles)))
    yield from singles[::2]
    # One after the other, what the first did matters to the next.
    generator = random.Random("fuzz dispatcher")
    for _ in range(64):
        chosen = [singles[generator.getrandbits(16) % len(singles)] for _ in range(6)]
        yield words(BETWEEN).join(chosen)


def record():
    def fragment(size, is_last):
        wide = size >= 10000
        return bytes([(3 if wide else 2) | (0 if is_last else 4)]) + size.to_bytes(3 if wide else 2, "big")

    def stream(limits, *pieces):
        return bytes([0, 1, limits]) + b"".join(pieces)

    yield stream(0, fragment(40, True))
    yield stream(0, *[fragment(size, True) for size in (0, 4, 100, 8192, 65531, 65532, 65536, 70000, 300000)])
    yield stream(0, *[fragment(2048, index % 20 == 19) for index in range(60)])
    yield stream(0, fragment(0, False), fragment(0, False), fragment(4, True), fragment(60000, False),
                 fragment(60000, False), fragment(60000, True), fragment(8, True))
    yield stream(3, fragment(3000, True), fragment(1500, False), fragment(1500, True), fragment(3001, True))
    yield stream(3, *[fragment(0, False)] * 5)
    yield stream(0, bytes([8 << 2]) + words(0x80000004, 7), bytes([6 << 2]) + words(0x7FFFFFFF) + b"ab")


def exports():
    yield b"# sample\n/a *(rw,sync)\n/b -ro,anonuid=5 @group h*.x[0-9](sec=none:sys,fsid=7) 10.0.0.0/8\\\n 2001:db8::/32\n"
    yield b'"/c d" host(rw,mountpoint=/m,fsid=01234567-89ab-cdef-0123-456789abcdef) 192.0.2.7(no_root_squash,insecure)\n'
    yield b"/e\\040f 10.1.0.0/255.255.0.0(sec=sys,rw,sec=none,ro,all_squash) -async [!a]?.y(nordirplus) # end\r\n"
    yield b"/g host (rw)\n/g *(rw,ro)\n/h [::1]\n/i 10.*\n/j\n/k h(sec=krb5,crossmnt,x=) # c\\\n\"/l"


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir()
    made = {"codec": codec, "reply": reply, "dispatcher": dispatcher, "record": record, "exports": exports}.get(target, list)
    for number, seed in enumerate(made()):
        if len(seed) <= BYTES_MAX:
            (folder / f"{number:04}").write_bytes(seed)


if __name__ == "__main__":
    main()
