#!/usr/bin/env python3
"""Test vectors for XDR types: random values, encoded by RFC 4506; see README.md beside this file.

Writes one vector a line, `TYPE HEX`, to standard output; the HEX of a void is empty. The same
arguments give the same lines, and a type's lines do not depend on what other types are named.
"""

from __future__ import annotations

import argparse
import os
import sys

sys.dont_write_bytecode = True  # the folder is a source folder

import xdr_tree as tree  # noqa: E402
from xdr_encode import encode  # noqa: E402
from xdr_faults import EXTRA_KINDS, KINDS, Faults  # noqa: E402
from xdr_language import parse_file  # noqa: E402
from xdr_random import Values  # noqa: E402


def valid(spec: tree.Spec, name: str, count: int, seed: int):
    """Encodings of values of the type."""
    type_ = spec.named(name)
    values = Values(spec, f"{seed} {name}")
    for _ in range(count):
        yield encode(spec, type_, values.value(type_))


def invalid(spec: tree.Spec, name: str, count: int, seed: int, kinds: tuple[str, ...] = KINDS):
    """Faulty encodings with the kind and the path of the fault; none if the type has no place
    for a fault of these kinds."""
    faults = Faults(spec, spec.named(name), f"{seed} {name} invalid", kinds)
    for _ in range(count):
        made = faults.next()
        if made is None:
            return
        yield made


def constants(spec: tree.Spec):
    yield from spec.constants.items()
    for type_ in spec.types.values():
        if isinstance(type_, tree.Enum):
            yield from type_.values.items()


def write_list(spec: tree.Spec, what: str):
    if what == "types":
        for name in spec.types:
            print(name)
    elif what == "constants":
        for name, value in constants(spec):
            print(name, value)
    else:
        for p in spec.procedures:
            print(p.program_number, p.version_number, p.number, p.name, p.argument, p.result)


def write_vectors(spec: tree.Spec, options):
    for name in options.types or spec.types:
        if options.invalid:
            vectors = invalid(spec, name, options.count, options.seed, options.kinds)
            for data, kind, path in vectors:
                print(name, data.hex(), *(["#", kind, path] if options.explain else []))
        else:
            for data in valid(spec, name, options.count, options.seed):
                print(name, data.hex())


def kinds(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(KINDS + EXTRA_KINDS):
        raise argparse.ArgumentTypeError(f"known are {', '.join(KINDS + EXTRA_KINDS)}")
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", help="an .x file, by its path or its name here")
    parser.add_argument("types", nargs="*", metavar="TYPE", help="types (default: all)")
    parser.add_argument("--count", type=int, default=32, help="vectors of each type (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--invalid", action="store_true", help="one thing wrong in each vector")
    parser.add_argument("--kinds", type=kinds, default=KINDS, help="what may be wrong: of "
                        + ",".join(KINDS + EXTRA_KINDS) + "; all but padding unless given")
    parser.add_argument("--explain", action="store_true", help="append `# KIND PATH` to invalid")
    parser.add_argument("--list", choices=["types", "constants", "procedures"],
                        help="what the file defines, instead of vectors")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        import self_test

        return self_test.run()
    if not options.file:
        parser.error("which file?")
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), options.file)
    try:
        spec = parse_file(options.file if os.path.exists(options.file) else beside)
        if options.list:
            write_list(spec, options.list)
        else:
            write_vectors(spec, options)
    except (OSError, tree.LanguageError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
