"""Bytes to values by RFC 4506 section 4, refusing everything it forbids.

Written apart from the encoder, as its judge: the two share the tree and the form of values (see
xdr_encode.py) and no code.
"""

from __future__ import annotations

import struct

import xdr_tree as tree


class DecodeError(Exception):
    """`kind` is short, bool, enum, union, bound, padding or trailing."""

    def __init__(self, kind: str, at: int):
        super().__init__(f"{kind} at byte {at}")
        self.kind = kind
        self.at = at


class Decoder:
    def __init__(self, spec: tree.Spec, data: bytes, padding_matters: bool = True):
        self.spec = spec
        self.data = data
        self.padding_matters = padding_matters
        self.at = 0

    def take(self, count: int) -> bytes:
        if len(self.data) - self.at < count:
            raise DecodeError("short", self.at)
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, code: str) -> int:
        return struct.unpack(">" + code, self.take(struct.calcsize(code)))[0]

    def opaque(self, count: int) -> bytes:
        content = self.take(count)
        padding = self.take((4 - count % 4) % 4)
        if self.padding_matters and padding.strip(b"\0"):
            raise DecodeError("padding", self.at)
        return content

    def count(self, bound: int) -> int:
        count = self.unpack("I")
        if count > bound:
            raise DecodeError("bound", self.at)
        return count

    def value(self, type_):
        node = self.spec.resolve(type_)
        if isinstance(node, tree.Basic):
            return self.basic(node.name)
        if isinstance(node, tree.Enum):
            return self.enum(node)
        if isinstance(node, tree.FixedOpaque):
            return self.opaque(node.size)
        if isinstance(node, tree.Opaque):
            return self.opaque(self.count(node.bound))
        if isinstance(node, tree.FixedArray):
            return [self.value(node.element) for _ in range(node.size)]
        if isinstance(node, tree.Array):
            return self.elements(node.element, self.count(node.bound))
        if isinstance(node, tree.Optional):
            return [self.value(node.element)] if self.basic("bool") else []
        if isinstance(node, tree.Struct):
            return [self.value(member.type) for member in node.members]
        return self.union(node)

    def elements(self, element, count: int) -> list:
        values = []
        while len(values) < count:
            values.append(self.value(element))
        return values

    def basic(self, name: str):
        if name == "void":
            return None
        if name == "bool":
            value = self.unpack("I")
            if value > 1:
                raise DecodeError("bool", self.at)
            return value
        if name == "quadruple":
            high, low = self.unpack("Q"), self.unpack("Q")
            return high << 64 | low
        codes = {"int": "i", "unsigned": "I", "hyper": "q", "unsigned_hyper": "Q"}
        return self.unpack(codes.get(name) or {"float": "I", "double": "Q"}[name])

    def enum(self, node: tree.Enum) -> int:
        value = self.unpack("i")
        if not node.open and value not in set(node.values.values()):
            raise DecodeError("enum", self.at)
        return value

    def union(self, node: tree.Union):
        discriminant = self.value(node.discriminant.type)
        arms = {label: arm for labels, arm in node.arms for label in labels}
        arm = arms.get(discriminant, node.default)
        if arm is None:
            raise DecodeError("union", self.at)
        return discriminant, self.value(arm.type)


def decode(spec: tree.Spec, type_, data: bytes, padding_matters: bool = True):
    """The value, provided that the bytes are its encoding and nothing else."""
    decoder = Decoder(spec, data, padding_matters)
    value = decoder.value(type_)
    if decoder.at != len(data):
        raise DecodeError("trailing", decoder.at)
    return value
