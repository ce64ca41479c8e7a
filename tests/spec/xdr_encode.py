"""Values to bytes by RFC 4506 section 4.

A value is an int for every number, enumeration and bool (for float, double and quadruple: its
bits), bytes for opaque data and strings, a list for arrays, structures (members in order) and
optional data (no element or one), a pair (discriminant, arm's value) for unions, None for void.
"""

from __future__ import annotations

from dataclasses import dataclass

import xdr_tree as tree

# How many bytes a number takes, and whether it has a sign.
NUMBERS = {
    "int": (4, True), "unsigned": (4, False), "hyper": (8, True), "unsigned_hyper": (8, False),
    "float": (4, False), "double": (8, False), "quadruple": (16, False),
}


class EncodeError(Exception):
    """The value is not one of the type's."""


@dataclass
class Site:
    """A place in the encoding where RFC 4506 allows only some bytes: `kind` is bool, enum,
    discriminant, length or padding; `value` is what stands at `start`; a length's content reaches
    to `end`; `owner` is the union or the optional the discriminant belongs to, if any."""

    kind: str
    path: str
    start: int
    end: int
    value: int
    type: object
    owner: object = None


class Encoder:
    def __init__(self, spec: tree.Spec):
        self.spec = spec
        self.out = bytearray()
        self.sites: list[Site] = []

    def number(self, value: int, size: int, signed: bool = False):
        try:
            self.out += value.to_bytes(size, "big", signed=signed)
        except OverflowError:
            raise EncodeError(f"{value} in {size} bytes") from None

    def bytes(self, node, value: bytes, path: str):
        self.out += value
        padding = -len(value) % 4
        if padding:
            self.mark("padding", path, 0, node).end += padding - 4
        self.out += bytes(padding)

    def mark(self, kind: str, path: str, value: int, type_, owner=None) -> Site:
        start = len(self.out)
        self.sites.append(Site(kind, path, start, start + 4, value, type_, owner))
        return self.sites[-1]

    def put(self, type_, value, path: str = "", owner=None):
        node = self.spec.resolve(type_)
        getattr(self, "put_" + type(node).__name__.lower())(node, value, path, owner)

    def put_basic(self, node, value, path, owner):
        if node.name == "void":
            if value is not None:
                raise EncodeError(f"{path}: a void of {value}")
        elif node.name == "bool":
            if value not in (0, 1):
                raise EncodeError(f"{path}: a bool of {value}")
            self.mark("bool", path, value, node, owner)
            self.number(value, 4)
        else:
            if owner:
                self.mark("discriminant", path, value, node, owner)
            self.number(value, *NUMBERS[node.name])

    def put_enum(self, node, value, path, owner):
        if value not in node.values.values() and not node.open:
            raise EncodeError(f"{path}: {value} is not listed")
        self.mark("enum", path, value, node, owner)
        self.number(value, 4, True)

    def put_fixedopaque(self, node, value, path, owner):
        if len(value) != node.size:
            raise EncodeError(f"{path}: {len(value)} bytes for {node.size}")
        self.bytes(node, value, path)

    def put_opaque(self, node, value, path, owner):
        site = self.length(node, value, path)
        self.bytes(node, value, path)
        site.end = len(self.out)

    def put_fixedarray(self, node, value, path, owner):
        if len(value) != node.size:
            raise EncodeError(f"{path}: {len(value)} elements for {node.size}")
        for index, element in enumerate(value):
            self.put(node.element, element, f"{path}[{index}]")

    def put_array(self, node, value, path, owner):
        site = self.length(node, value, path)
        for index, element in enumerate(value):
            self.put(node.element, element, f"{path}[{index}]")
        site.end = len(self.out)

    def length(self, node, value, path) -> Site:
        if len(value) > node.bound:
            raise EncodeError(f"{path}: {len(value)} for at most {node.bound}")
        site = self.mark("length", path, len(value), node)
        self.number(len(value), 4)
        return site

    def put_optional(self, node, value, path, owner):
        self.put(tree.BUILTIN["bool"], len(value), path + "?", node)
        for element in value:
            self.put(node.element, element, path)

    def put_struct(self, node, value, path, owner):
        if len(value) != len(node.members):
            raise EncodeError(f"{path}: {len(value)} values for {len(node.members)} members")
        for member, part in zip(node.members, value):
            self.put(member.type, part, f"{path}.{member.name}")

    def put_union(self, node, value, path, owner):
        discriminant, part = value
        arm = node.arm(discriminant)
        if arm is None:
            raise EncodeError(f"{path}: no arm for {discriminant}")
        self.put(node.discriminant.type, discriminant, f"{path}.{node.discriminant.name}", node)
        self.put(arm.type, part, f"{path}.{arm.name}")


def encode(spec: tree.Spec, type_, value) -> bytes:
    encoder = Encoder(spec)
    encoder.put(type_, value)
    return bytes(encoder.out)
