"""Encodings in which exactly one thing is wrong, each checked to be refused by our own decoder."""

from __future__ import annotations

import re

import xdr_tree as tree
from xdr_decode import DecodeError, decode
from xdr_encode import Encoder, Site
from xdr_random import Values, arm_values, parts, uncovered, unlisted

# A bool that is neither 0 nor 1; an enum not listed; a discriminant no case lists, without
# default; one element or byte more than the bound; a length that reaches beyond the end.
KINDS = ("bool", "enum", "union", "bound", "end")
# Bytes other than zero after opaque data: forbidden too, yet many a decoder lets it pass.
EXTRA_KINDS = ("padding",)

ATTEMPTS = 40  # values to look at for a place where a kind of fault is possible
BOUND_MAX = 65536  # a bound greater than this is not tried
BAD_BOOLS = [2, 3, 0x80000000, 0xFFFFFFFF, 0x01000000]


class Faults:
    """One stream of faulty encodings of one type. `kinds` loses those the type has no place for;
    when none is left there is no next."""

    def __init__(self, spec: tree.Spec, type_, seed: str, kinds: tuple[str, ...] = KINDS):
        self.spec = spec
        self.type = type_
        self.values = Values(spec, seed)
        self.kinds = list(kinds)
        self.used: dict[tuple[str, str], int] = {}
        self.turn = 0

    def next(self) -> tuple[bytes, str, str] | None:
        """The bytes, the kind and the path of what is wrong in them."""
        while self.kinds:
            kind = self.kinds[self.turn % len(self.kinds)]
            for _ in range(ATTEMPTS):
                made = self.make(kind)
                if made:
                    self.turn += 1
                    return made[0], kind, made[1]
            self.kinds.remove(kind)
        return None

    def make(self, kind: str) -> tuple[bytes, str] | None:
        encoder = Encoder(self.spec)
        encoder.put(self.type, self.values.value(self.type))
        sites = [site for site in encoder.sites if self.possible(kind, site, encoder.out)]
        sites = [site for site in sites if self.sharp(kind, site)] or sites
        if not sites:
            return None
        site = min(sites, key=lambda site: self.used.get((kind, where(site)), 0))
        self.used[kind, where(site)] = self.used.get((kind, where(site)), 0) + 1
        data = getattr(self, "make_" + kind)(site, encoder.out)
        self.check_refused(kind, site, data)
        return data, site.path

    def possible(self, kind: str, site: Site, out: bytes) -> bool:
        if kind == "bool":
            return site.kind == "bool"
        if kind == "enum":
            return site.kind == "enum" and not site.type.open
        if kind == "union":
            return bool(self.no_arm(site))
        if kind == "bound":
            return site.kind == "length" and site.type.bound <= BOUND_MAX
        if kind == "end":
            return site.kind == "length" and bool(self.too_long(site, out))
        return site.kind == "padding"

    def sharp(self, kind: str, site: Site) -> bool:
        """Whether a decoder that let the fault pass would go on to find nothing else wrong: it
        takes any number but 0 for true, and any value not listed for the default."""
        if kind == "bool" and site.owner:
            return site.value == 1
        if kind == "enum" and isinstance(site.owner, tree.Union) and site.owner.default:
            return site.owner.arm(site.value) is site.owner.default
        return True

    def no_arm(self, site: Site) -> list[int]:
        union = isinstance(site.owner, tree.Union) and not site.owner.default
        return uncovered(self.spec, site.owner) if union else []

    def too_long(self, site: Site, out: bytes) -> list[int]:
        """Lengths within the bound for which the bytes that follow cannot suffice."""
        left = len(out) - site.start - 4
        size = 1
        if isinstance(site.type, tree.Array):
            size = self.least_size(site.type.element, ())
        if not size:
            return []
        bound = site.type.bound
        fit = left // size
        lengths = [fit + 1, fit + 4, bound, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1]
        return [n for n in dict.fromkeys(lengths) if fit < n <= bound]

    def least_size(self, type_, within: tuple) -> int:
        """A lower bound of what a value of the type takes, in bytes."""
        node = self.spec.resolve(type_)
        if node in within:
            return 0
        within += (node,)
        if isinstance(node, tree.Basic):
            return {"void": 0, "hyper": 8, "unsigned_hyper": 8, "double": 8, "quadruple": 16}.get(
                node.name, 4
            )
        if isinstance(node, tree.FixedOpaque):
            return (node.size + 3) // 4 * 4
        if isinstance(node, tree.FixedArray):
            return node.size * self.least_size(node.element, within)
        if isinstance(node, tree.Struct):
            return sum(self.least_size(part, within) for part in parts(node))
        if isinstance(node, tree.Union):
            arms = [arm.type for _, arm in arm_values(self.spec, node)]
            return 4 + min(self.least_size(arm, within) for arm in arms)
        return 4  # an enum, a length, or whether there is anything

    def make_bool(self, site: Site, out: bytes) -> bytes:
        return put(out, site, self.values.draw(where(site), "bad bool", BAD_BOOLS))

    def make_enum(self, site: Site, out: bytes) -> bytes:
        return put(out, site, self.values.draw(where(site), "unlisted", unlisted(site.type)))

    def make_union(self, site: Site, out: bytes) -> bytes:
        return put(out, site, self.values.draw(where(site), "no arm", self.no_arm(site)))

    def make_end(self, site: Site, out: bytes) -> bytes:
        lengths = self.too_long(site, out)
        return put(out, site, lengths[self.values.below(len(lengths))])

    def make_padding(self, site: Site, out: bytes) -> bytes:
        at = site.start + self.values.below(site.end - site.start)
        return bytes(out[:at]) + bytes([1 + self.values.below(255)]) + bytes(out[at + 1 :])

    def make_bound(self, site: Site, out: bytes) -> bytes:
        count = site.type.bound + 1
        encoder = Encoder(self.spec)
        encoder.number(count, 4)
        if isinstance(site.type, tree.Opaque):
            encoder.bytes(site.type, b"x" * count, "")
        else:
            for _ in range(count):
                encoder.put(site.type.element, self.values.value(site.type.element, "bound"))
        return bytes(out[: site.start]) + bytes(encoder.out) + bytes(out[site.end :])

    def check_refused(self, kind: str, site: Site, data: bytes):
        try:
            decode(self.spec, self.type, data)
        except DecodeError as error:
            # A count too large makes what follows be read as elements; anything may come of it.
            any_error = kind == "end" and isinstance(site.type, tree.Array)
            assert any_error or error.kind == {"end": "short"}.get(kind, kind), (kind, site, error)
            return
        raise AssertionError(f"{kind} at {site.path} is not refused: {data.hex()}")


def put(out: bytes, site: Site, value: int) -> bytes:
    word = (value & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(out[: site.start]) + word + bytes(out[site.start + 4 :])


def where(site: Site) -> str:
    """The path without the numbers of elements."""
    return re.sub(r"\[\d+\]", "[]", site.path)
