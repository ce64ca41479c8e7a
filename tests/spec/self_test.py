"""Who checks the checker: the oracle's own tests. Run them with `vectors.py --self-test`."""

from __future__ import annotations

import glob
import hashlib
import os
import unittest

import xdr_tree as tree
from vectors import invalid, valid
from xdr_decode import DecodeError, decode
from xdr_encode import EncodeError, Encoder, encode
from xdr_faults import EXTRA_KINDS, KINDS
from xdr_language import parse, parse_file
from xdr_random import Values, arm_values

FOLDER = os.path.dirname(os.path.abspath(__file__))
FILES = sorted(glob.glob(os.path.join(FOLDER, "*.x")))
COUNT = 40  # at least what the fullest bag of a member holds, save enumerators
OFTEN = 40  # how often a length was seen when all of its edges must have been
PREFIXES_MAX = 200  # of a vector: all if it has no more bytes, else these and those at the sites
SEED = 4506


def spec_of(name: str) -> tree.Spec:
    return parse_file(os.path.join(FOLDER, name))


def every_type():
    for file in FILES:
        spec = parse_file(file)
        for name in spec.types:
            yield os.path.basename(file), spec, name, spec.named(name)


class Language(unittest.TestCase):
    def refuses(self, text: str, why: str):
        with self.assertRaisesRegex(tree.LanguageError, why):
            parse(text)

    def test_reads_numbers_in_three_bases_and_names_of_later_constants(self):
        spec = parse("const A = 0x1F; const B = 017; const C = -12; const D = P; const E = 0;"
                     "program Q { version V { void P(void) = 9; } = 2; } = 77;")
        self.assertEqual(spec.constants, {"A": 31, "B": 15, "C": -12, "D": 9, "E": 0})
        (procedure,) = spec.procedures
        numbers = procedure.program_number, procedure.version_number, procedure.number
        self.assertEqual(numbers, (77, 2, 9))

    def test_refuses_what_the_grammar_or_its_notes_forbid(self):
        self.refuses("typedef nowhere t;", "no type is called nowhere")
        self.refuses("typedef int a[N];", "no constant is called N")
        self.refuses("const N = -1; typedef int a<N>;", "-1 is no size")
        self.refuses("typedef a b; typedef b a;", "defined by itself")
        self.refuses("struct s { int a; int a; };", "a is declared twice")
        self.refuses("struct s { };", "expected a member")
        self.refuses("struct int { int a; };", "expected an identifier")
        self.refuses("struct s { string a; };", "expected a size")
        self.refuses("typedef int t; typedef int t;", "t is defined twice")
        self.refuses("enum e { A = 1 }; const A = 2;", "A is defined twice")
        self.refuses("enum e { A = 2147483648 };", "no enum value")
        self.refuses("union u switch (hyper h) { case 0: void; };", "cannot switch")
        self.refuses("union u switch (bool b) { case 2: void; };", "no value of the discrim")
        self.refuses("enum e { A = 1 }; union u switch (e x) { case 2: void; };", "no value of")
        self.refuses("union u switch (int i) { case 1: case 1: void; };", "appears twice")
        self.refuses("union u switch (int i) { default: void; };", "expected a case")
        self.refuses("typedef int a", "expected ';', not 'the end of the file'")


class ByHand(unittest.TestCase):
    """Encodings worked out from the text of RFC 4506 and the RFC of the protocol."""

    def same(self, spec: tree.Spec, name: str, value, text: str):
        data = bytes.fromhex(text)
        self.assertEqual(encode(spec, spec.named(name), value).hex(), data.hex())
        self.assertEqual(decode(spec, spec.named(name), data), value)

    def test_the_example_of_section_7(self):
        value = [b"sillyprog", (2, b"lisp"), b"john", b"(quit)"]
        self.same(spec_of("xdr.x"), "file", value, """
            00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370
            00000004 6a6f686e 00000006 28717569 74290000""")

    def test_numbers(self):
        spec = parse("")
        for name, value, text in [
            ("int", -1, "ffffffff"), ("int", -(2**31), "80000000"), ("int", 259, "00000103"),
            ("unsigned", 2**32 - 1, "ffffffff"), ("bool", 1, "00000001"), ("void", None, ""),
            ("hyper", -2, "fffffffffffffffe"), ("hyper", 2**40 + 3, "0000010000000003"),
            ("unsigned_hyper", 2**63, "8000000000000000"),
            ("float", 0xC0490000, "c0490000"), ("double", 0x3FF << 52, "3ff0000000000000"),
            ("quadruple", 0x3FFF << 112, "3fff" + "00" * 14),
        ]:
            self.same(spec, name, value, text)

    def test_bytes_arrays_and_optional_data(self):
        spec = spec_of("xdr.x")
        self.same(spec, "zoo_opaque_fixed_7", b"1234567", "31323334 35363700")
        self.same(spec, "zoo_opaque_bounded", b"", "00000000")
        self.same(spec, "zoo_string_bounded", b"abcd", "00000004 61626364")
        self.same(spec, "zoo_array_fixed_strings", [b"a", b""], "00000001 61000000 00000000")
        self.same(spec, "zoo_array_bounded", [7, 2**31], "00000002 00000007 80000000")
        self.same(spec, "zoo_optional_int", [], "00000000")
        self.same(spec, "zoo_optional_int", [5], "00000001 00000005")

    def test_unions(self):
        spec = spec_of("xdr.x")
        self.same(spec, "zoo_union_int", (-5, -1), "fffffffb ffffffffffffffff")
        self.same(spec, "zoo_union_int", (2, b"x"), "00000002 00000001 78000000")
        self.same(spec, "zoo_union_int", (77, b"abcde"), "0000004d 61626364 65000000")
        self.same(spec, "zoo_union_unsigned_closed", (2**31, [1]), "80000000 00000001 00000001")

    def test_the_three_ways_to_declare_a_list_are_one_encoding(self):
        spec = spec_of("xdr.x")
        text = "00000001 00000003 6f6e6500 00000001 00000003 74776f00 00000000"
        self.same(spec, "stringlist", [[b"one", [[b"two", []]]]], text)
        self.same(spec, "zoo_list_as_array", [[b"one", [[b"two", []]]]], text)
        self.same(spec, "zoo_list_as_union", (1, [b"one", (1, [b"two", (0, None)])]), text)

    def test_an_rpc_call_with_a_credential(self):
        spec = spec_of("rpc.x")
        parms = "00000001 00000003 61626300 00000000 00000064 00000002 00000004 00000018"
        self.same(spec, "authsys_parms", [1, b"abc", 0, 100, [4, 24]], parms)
        cred, none = [1, bytes.fromhex(parms)], [0, b""]
        call = [0x12345678, (0, [2, 100003, 3, 6, cred, none])]
        self.same(spec, "rpc_msg", call, "12345678 00000000 00000002 000186a3 00000003 00000006"
                  " 00000001 00000020" + parms + "00000000 00000000")
        self.same(spec, "rpc_msg", [9, (1, (0, [none, (2, [2, 4])]))],
                  "00000009 00000001 00000000 00000000 00000000 00000002 00000002 00000004")
        self.same(spec, "rpc_msg", [9, (1, (1, (1, 5)))], "00000009 00000001 00000001 00000001"
                  "00000005")

    def test_nfs_and_its_neighbours(self):
        nfs = spec_of("nfs3.x")
        self.same(nfs, "READ3args", [[b"handle"], 2**32, 65536],
                  "00000006 68616e64 6c650000 00000001 00000000 00010000")
        self.same(nfs, "CREATE3args", [[[b"h"], b"f"], (2, b"verifier")],
                  "00000001 68000000 00000001 66000000 00000002 76657269 66696572")
        self.same(nfs, "WRITE3res", (70, [[(1, [1, [2, 3], [4, 5]]), (0, None)]]), """
            00000046 00000001 0000000000000001 00000002 00000003 00000004 00000005 00000000""")
        self.same(nfs, "dirlist3", [[[1, b".", 2, [[3, b"a", 4, []]]]], 1], """
            00000001 0000000000000001 00000001 2e000000 0000000000000002
            00000001 0000000000000003 00000001 61000000 0000000000000004 00000000 00000001""")
        self.same(spec_of("mount3.x"), "mountres3", (0, [b"fh", [1, 0]]),
                  "00000000 00000002 66680000 00000002 00000001 00000000")
        self.same(spec_of("mount1.x"), "fhstatus", (13, None), "0000000d")
        self.same(spec_of("mount1.x"), "exportlist", [[b"/a", [[b"g", []]], []]],
                  "00000001 00000002 2f610000 00000001 00000001 67000000 00000000 00000000")
        self.same(spec_of("mount1.x"), "ppathcnf", [65000, 0, 0, 255, 4096, 0, 0, 0, [0x3CC, 0]],
                  "0000fde8 00000000 00000000 000000ff 00001000 00000000 00000000 00000000 000003cc 00000000")
        self.same(spec_of("portmap2.x"), "pmaplist", [[[100003, 3, 6, 2049], []]],
                  "00000001 000186a3 00000003 00000006 00000801 00000000")
        self.same(spec_of("nlm4.x"), "nlm4_res", [b"ck", [3]], "00000002 636b0000 00000003")


class EveryType(unittest.TestCase):
    def test_decoding_gives_the_value_back(self):
        for file, spec, name, type_ in every_type():
            values = Values(spec, f"{SEED} {name}")
            for _ in range(COUNT):
                value = values.value(type_)
                self.assertEqual(decode(spec, type_, encode(spec, type_, value)), value, name)

    def test_proper_prefixes_and_trailing_bytes_are_refused(self):
        for file, spec, name, type_ in every_type():
            for data in valid(spec, name, 6, SEED):
                whole = len(data) <= PREFIXES_MAX
                ends = range(len(data)) if whole else self.some_prefixes(spec, type_, data)
                for end in ends:
                    with self.assertRaises(DecodeError, msg=f"{name} {end} of {data.hex()}"):
                        decode(spec, type_, data[:end])
                with self.assertRaises(DecodeError):
                    decode(spec, type_, data + bytes(4))

    def some_prefixes(self, spec, type_, data):
        encoder = Encoder(spec)
        encoder.put(type_, decode(spec, type_, data))
        edges = {edge + d for site in encoder.sites for edge in (site.start, site.end)
                 for d in (-1, 0, 1)}
        near = sorted(edge for edge in edges if 0 <= edge < len(data))
        return sorted({*near[:PREFIXES_MAX], len(data) - 1, len(data) - 4})

    def test_the_encoder_refuses_what_is_no_value(self):
        spec = spec_of("xdr.x")
        for name, value in [
            ("zoo_int", 2**31), ("zoo_unsigned", -1), ("zoo_bool", 2), ("colors", 4),
            ("zoo_opaque_bounded", bytes(14)), ("zoo_opaque_fixed_7", bytes(8)),
            ("zoo_array_bounded", [0] * 8), ("zoo_array_fixed", [0] * 2),
            ("zoo_union_int_closed", (0, None)), ("zoo_union_enum_partial", (3, None)),
            ("zoo_list", [[]]),
        ]:
            with self.assertRaises(EncodeError, msg=name):
                encode(spec, spec.named(name), value)

    def test_every_arm_and_both_ends_of_every_bound_are_reached(self):
        for file, spec, name, type_ in every_type():
            arms, lengths, unions = {}, {}, {}
            for data in valid(spec, name, 2 * COUNT, SEED):
                encoder = Encoder(spec)
                encoder.put(type_, decode(spec, type_, data))
                for site in encoder.sites:
                    if isinstance(site.owner, tree.Union):
                        unions[id(site.owner)] = site.owner
                        arms.setdefault(id(site.owner), set()).add(site.owner.arm(site.value).name)
                    elif site.kind == "length":
                        lengths.setdefault(id(site.type), (site, []))[1].append(site.value)
            for key, union in unions.items():
                want = {arm.name for _, arm in arm_values(spec, union)}
                self.assertEqual(arms[key], want, f"{file} {name}")
            for site, seen in lengths.values():
                if site.type.bound <= 1025 and len(seen) >= OFTEN:
                    self.assertLessEqual({0, site.type.bound}, set(seen), f"{name}{site.path}")

    def test_an_open_enumeration_takes_more_than_it_lists(self):
        spec = spec_of("rpc.x")
        seen = {data for data in valid(spec, "auth_flavor", 20, SEED)}
        self.assertLess({n.to_bytes(4, "big") for n in (0, 1, 2, 3, 6)}, seen)


class Invalid(unittest.TestCase):
    def test_every_fault_is_refused_for_its_own_reason(self):
        found = {kind: 0 for kind in KINDS + EXTRA_KINDS}
        for file, spec, name, type_ in every_type():
            for data, kind, _ in invalid(spec, name, 12, SEED, KINDS + EXTRA_KINDS):
                found[kind] += 1
                with self.assertRaises(DecodeError):
                    decode(spec, type_, data)
                if kind == "padding":  # nothing else is wrong, and it would go unnoticed
                    value = decode(spec, type_, data, padding_matters=False)
                    self.assertNotEqual(encode(spec, type_, value), data)
        self.assertTrue(all(found.values()), found)

    def test_types_that_can_be_wrong_are_known_by_kind(self):
        nfs = spec_of("nfs3.x")
        for name, want in [
            ("READ3args", {"bound", "end"}), ("nfstime3", set()), ("ftype3", {"enum"}),
            ("SETATTR3args", {"bool", "enum", "bound", "end"}),
            ("READ3resok", {"bool", "enum", "end"}),
        ]:
            kinds = {kind for _, kind, _ in invalid(nfs, name, 20, SEED)}
            self.assertEqual(kinds, want, name)


class Determinism(unittest.TestCase):
    # Of a description kept here, so that the digests change only with the generator, which must
    # give the same everywhere.
    TEXT = """
        enum e { A = 0, B = 5 };
        union u switch (e which) { case A: string s<9>; default: node *list; };
        struct node { unsigned hyper id; opaque data<>; node *next; };
        struct all { u first; u second<3>; int number; quadruple real; };"""

    def digest(self, lines) -> str:
        return hashlib.sha256(repr(list(lines)).encode()).hexdigest()[:16]

    def test_the_same_seed_gives_the_same_vectors_on_every_python(self):
        spec = parse(self.TEXT)
        self.assertEqual(self.digest(valid(spec, "all", 50, 1)), "1c6600fd65ca044a")
        self.assertEqual(self.digest(invalid(spec, "all", 50, 1)), "a4f0dd8c7e14167e")

    def test_another_seed_gives_others(self):
        spec = parse(self.TEXT)
        self.assertNotEqual(list(valid(spec, "all", 9, 1)), list(valid(spec, "all", 9, 2)))


def run() -> int:
    suite = unittest.defaultTestLoader.loadTestsFromName(__name__)
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1
