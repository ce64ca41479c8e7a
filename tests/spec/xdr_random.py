"""Random values of a type, biased to the edges.

Every choice (a length, an arm, an enumerator, whether a member takes an edge) is drawn without
replacement from a bag of its own, filled anew when empty: after as many values as the fullest bag
holds, each member has met each of its edges, whatever the seed.

Only getrandbits is asked of the generator; the rest of random has changed between versions of
Python, and the vectors must not.
"""

from __future__ import annotations

import random

import xdr_tree as tree

EDGES = {
    "int": [0, 1, 2, -1, 2**31 - 1, -(2**31), 0x00FF, 0x0100],
    "unsigned": [0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 0x00FF, 0x0100],
    "hyper": [0, 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, -(2**63)],
    "unsigned_hyper": [0, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1],
    # Zero, one, the least and greatest normal and subnormal, infinity, quiet NaN; see RFC 4506
    # section 11. All but NaN also with the sign.
    "float": [0, 0x3F800000, 0x00800000, 0x7F7FFFFF, 1, 0x007FFFFF, 0x7F800000, 0x7FC00000],
    "double": [
        0, 0x3FF << 52, 1 << 52, 0x7FEFFFFFFFFFFFFF, 1, (1 << 52) - 1, 0x7FF << 52, 0xFFF << 51,
    ],
    "quadruple": [
        0, 0x3FFF << 112, 1 << 112, (0x7FFF << 112) - 1, 1, (1 << 112) - 1, 0x7FFF << 112,
        0xFFFF << 111,
    ],
}
WIDTHS = {"int": 32, "unsigned": 32, "hyper": 64, "unsigned_hyper": 64}
FLOAT_BITS = {"float": 32, "double": 64, "quadruple": 128}
for _name, _bits in FLOAT_BITS.items():
    EDGES[_name] += [edge | 1 << (_bits - 1) for edge in EDGES[_name][:-1]]

BYTES_TYPICAL = 200  # what an unbounded length seldom exceeds
BYTES_MANY = 5000  # and what it never does
ELEMENTS_TYPICAL = 5
WORD = (b"abcdefghijklmnopqrstuvwxyz0123456789._-" * 7)[:256]  # what random bytes become
ASCII = bytes(range(128)) * 2
RANDOM = object()  # in a bag: not an edge but something random
MANY = object()  # in a bag of lengths: unusually much
UNLIMITED = 1 << 30


class Values:
    """One stream of values of one type."""

    def __init__(self, spec: tree.Spec, seed: str):
        self.spec = spec
        self.bits = random.Random(seed).getrandbits
        self.bags: dict[tuple[str, str], list] = {}
        self.reach = Reach(spec)
        # Of the structures and unions being made, by id: how many, at most how many (only if
        # they can contain themselves), the path of the outermost, and the node.
        self.depth: dict[int, int] = {}
        self.limit: dict[int, int] = {}
        self.base: dict[int, str] = {}
        self.active: dict[int, object] = {}

    def below(self, count: int) -> int:
        while True:
            value = self.bits(count.bit_length())
            if value < count:
                return value

    def draw(self, path: str, what: str, items: list):
        bag = self.bags.setdefault((path, what), [])
        if not bag:
            bag += items
            for i in range(len(bag) - 1, 0, -1):
                j = self.below(i + 1)
                bag[i], bag[j] = bag[j], bag[i]
        return bag.pop()

    def value(self, type_, path: str = ""):
        node = self.spec.resolve(type_)
        return getattr(self, "make_" + type(node).__name__.lower())(node, path)

    def make_basic(self, node, path):
        if node.name == "void":
            return None
        if node.name == "bool":
            return self.draw(path, "bool", [0, 1])
        edges = EDGES[node.name]
        edge = self.draw(path, "number", edges + [RANDOM] * len(edges))
        return self.random_number(node.name) if edge is RANDOM else edge

    def random_number(self, name: str) -> int:
        if name in FLOAT_BITS:
            bits = FLOAT_BITS[name]
            exponent = {"float": 0x7F << 23, "double": 0x3FF << 52, "quadruple": 0x3FFF << 112}
            return exponent[name] ^ self.bits(bits - 9) ^ self.bits(1) << (bits - 1)
        width = WIDTHS[name]
        value = self.bits(1 + self.below(width))
        signed = name in ("int", "hyper")
        return value - (1 << width) if signed and value >> (width - 1) else value

    def make_enum(self, node, path):
        listed = list(node.values.values())
        more = [value for value in unlisted(node) if node.open][:4]
        return self.draw(path, "enum", listed + more)

    def make_fixedopaque(self, node, path):
        return self.some_bytes(path, node.size)

    def make_opaque(self, node, path):
        return self.some_bytes(path, self.byte_count(node.bound, path), node.string)

    def byte_count(self, bound: int, path: str) -> int:
        edges = [edge for edge in (0, 1, 3, 4, 5) if edge <= bound]
        if bound <= 65536:
            edges.append(bound)
        many = [MANY] if bound > BYTES_TYPICAL else []
        count = self.draw(path, "length", edges + [RANDOM] * 7 + many)
        if count is MANY:
            return min(bound, 1000 + self.below(BYTES_MANY - 999))
        return self.below(min(bound, BYTES_TYPICAL) + 1) if count is RANDOM else count

    def some_bytes(self, path: str, count: int, string: bool = False) -> bytes:
        if not string:
            style = self.draw(path, "style", [RANDOM, RANDOM, RANDOM, b"\0", b"\xff"])
            return self.random_bytes(count) if style is RANDOM else style * count
        # A string is bytes to whoever carries it: any ASCII, and the UTF-8 that is in real use.
        style = self.draw(path, "style", [WORD, WORD, WORD, ASCII, "\u00e9"])
        if len(style) == 256:
            return self.random_bytes(count).translate(style)
        return style.encode("utf-8") * (count // 2) + b"e" * (count % 2)

    def random_bytes(self, count: int) -> bytes:
        return self.bits(8 * count).to_bytes(count, "little") if count else b""

    def make_fixedarray(self, node, path):
        return [self.value(node.element, path + "[]") for _ in range(node.size)]

    def make_array(self, node, path):
        if self.recurs(node.element):
            count = 1 if self.may_recur(node.element) else 0
        else:
            edges = [n for n in range(ELEMENTS_TYPICAL + 1) if n <= node.bound]
            if ELEMENTS_TYPICAL < node.bound <= 64:
                edges += [node.bound - 1, node.bound]
            count = self.draw(path, "count", edges)
        return [self.value(node.element, path + "[]") for _ in range(count)]

    def make_optional(self, node, path):
        if self.recurs(node.element):
            return [self.value(node.element, path)] if self.may_recur(node.element) else []
        target = self.spec.resolve(node.element)
        if not self.reach.itself(target):
            return [self.value(target, path)] if self.draw(path, "optional", [0, 1]) else []
        length = self.draw(path, "list", [0, 1, 2, 3, 4, 5])
        self.limit[id(target)] = length
        return [self.value(target, path)] if length else []

    def make_struct(self, node, path):
        path = self.enter(node, path)
        value = [self.value(member.type, f"{path}.{member.name}") for member in node.members]
        self.leave(node)
        return value

    def make_union(self, node, path):
        path = self.enter(node, path)
        choices = arm_values(self.spec, node)
        recurring = [i for i, (_, arm) in enumerate(choices) if self.recurs(arm.type)]
        if recurring and all(self.may_recur(choices[i][1].type) for i in recurring):
            arms = recurring
        else:
            arms = [i for i in range(len(choices)) if i not in recurring]
        index = self.draw(path, f"arms {arms}", arms)
        values, arm = choices[index]
        discriminant = self.draw(path, f"discriminant {index}", values)
        value = discriminant, self.value(arm.type, f"{path}.{arm.name}")
        self.leave(node)
        return value

    # Lists. A structure or union that contains itself is entered at most limit times at once;
    # the limit is set by whoever begins the list.

    def enter(self, node, path: str) -> str:
        key = id(node)
        self.depth[key] = self.depth.get(key, 0) + 1
        if self.depth[key] > 1:
            return self.base[key]
        self.base[key] = path
        if self.reach.itself(node) and key not in self.limit:
            if any(self.reach.each_other(node, other) for other in self.active.values()):
                self.limit[key] = UNLIMITED  # the other's limit serves for both
            elif isinstance(node, tree.Union):
                self.limit[key] = 1 + self.draw(path, "list", [0, 1, 2, 3, 4, 5])
            else:
                self.limit[key] = self.draw(path, "list", [1, 2, 3, 4, 5])
        self.active[key] = node
        return path

    def leave(self, node):
        key = id(node)
        self.depth[key] -= 1
        if not self.depth[key]:
            self.limit.pop(key, None)
            del self.active[key]

    def recurs(self, type_) -> bool:
        """Whether a value of the type contains one of those being made."""
        return bool(self.active.keys() & self.reach.of(type_))

    def may_recur(self, type_) -> bool:
        recurring = self.active.keys() & self.reach.of(type_)
        return all(self.depth[key] < self.limit[key] for key in recurring)


class Reach:
    """Which structures and unions (by id) a value of a type can contain, itself included."""

    def __init__(self, spec: tree.Spec):
        self.spec = spec
        self.known: dict[int, frozenset[int]] = {}

    def of(self, type_) -> frozenset[int]:
        node = self.spec.resolve(type_)
        if id(node) not in self.known:
            found: dict[int, object] = {}
            self.visit(node, found, set())
            self.known[id(node)] = frozenset(found)
        return self.known[id(node)]

    def visit(self, type_, found: dict[int, object], seen: set[int]):
        node = self.spec.resolve(type_)
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, (tree.Struct, tree.Union)):
            found[id(node)] = node
        for part in parts(node):
            self.visit(part, found, seen)

    def itself(self, node) -> bool:
        return any(id(node) in self.of(part) for part in parts(node))

    def each_other(self, node, other) -> bool:
        return node is not other and id(other) in self.of(node) and id(node) in self.of(other)


def parts(node) -> list:
    """The types a type is made of."""
    if isinstance(node, (tree.FixedArray, tree.Array, tree.Optional)):
        return [node.element]
    if isinstance(node, tree.Struct):
        return [member.type for member in node.members]
    if isinstance(node, tree.Union):
        members = [node.discriminant] + [arm for _, arm in node.arms]
        return [member.type for member in members + ([node.default] if node.default else [])]
    return []


def unlisted(node: tree.Enum) -> list[int]:
    """Integers near the listed values and at the ends of the range that are not listed."""
    listed = list(node.values.values())
    near = [v + d for v in listed for d in (1, -1)] + [v ^ 1 << 16 for v in listed]
    candidates = [max(listed) + 1, min(listed) - 1, 0, 0x7FFFFFFF, -1, -(2**31), 0x01000000] + near
    low, high = tree.INT_RANGE
    unique = dict.fromkeys(v for v in candidates if v not in listed and low <= v <= high)
    return list(unique)


def uncovered(spec: tree.Spec, node: tree.Union) -> list[int]:
    """Legal values of the discriminant that no case lists: all of a table's, some of a range."""
    listed = [label for labels, _ in node.arms for label in labels]
    legal = spec.legal(node.discriminant.type)
    if isinstance(legal, dict):
        return [value for value in legal.values() if value not in listed]
    low, high = legal
    near = [v + d for v in listed for d in (1, -1)] + [v ^ 1 << 8 for v in listed]
    candidates = near + [0, 1, 2, 5, 13, 100, 10006, 2**31 - 1, low, high]
    return list(dict.fromkeys(v for v in candidates if v not in listed and low <= v <= high))


def arm_values(spec: tree.Spec, node: tree.Union) -> list[tuple[list[int], tree.Member]]:
    """The union's arms, each with the discriminants to try; the default arm last, if any."""
    rest = uncovered(spec, node)
    return node.arms + ([(rest, node.default)] if node.default and rest else [])
