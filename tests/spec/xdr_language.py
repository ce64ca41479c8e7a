"""The XDR and RPC languages (RFC 4506 section 6, RFC 5531 section 12) read into a small tree.

Also read, because the RFCs write them though no grammar lists them: `long` for `int` and a lone
`unsigned` (RFC 1094, 1813, 1833), `struct *name {...}` for a list (RFC 1094, 1833), `struct name`
where a type is named, `string` as a procedure's argument or result, and a constant defined by the
name of another constant or of a procedure, even of a later one (RFC 1833).

One addition of ours: a line `%open NAME` says that the RFC lets the enumeration NAME grow, so that
a value it does not list is no error.
"""

from __future__ import annotations

import re
from functools import partial

from xdr_tree import (
    BUILTIN, INT_RANGE, LENGTH_MAX, UNSIGNED_RANGE, Array, Enum, FixedArray, FixedOpaque,
    LanguageError, Member, Name, Opaque, Optional, Procedure, Spec, Struct, Union,
)

TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/)
      | (?P<line>^%[^\n]*)
      | (?P<number>-?(?:0[xX][0-9a-fA-F]+|[0-9]+)(?![0-9A-Za-z_]))
      | (?P<name>[A-Za-z][A-Za-z0-9_]*)
      | (?P<mark>[][{}()<>,;:=*])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

KEYWORDS = frozenset(
    "bool case const default double quadruple enum float hyper int opaque string struct switch"
    " typedef union unsigned void program version long".split()
)


class Parser:
    """Recursive descent over the tokens. What may be named before it is defined is put off to
    the end of the file: every use of a constant, and every check that needs a type."""

    def __init__(self, text: str, file: str):
        self.file = file
        self.spec = Spec()
        self.constants: dict[str, int | str] = {"FALSE": 0, "TRUE": 1}
        self.later = []  # what needs the constants
        self.checks = []  # what needs everything else
        self.tokens = list(self.scan(text))
        self.at = 0

    def scan(self, text: str):
        position, line = 0, 1
        while position < len(text):
            match = TOKEN.match(text, position)
            if not match:
                raise LanguageError(f"{self.file}:{line}: {text[position:position + 20]!r}?")
            if match.lastgroup != "skip":
                yield match.lastgroup, match.group(), line
            line += match.group().count("\n")
            position = match.end()
        yield "end", "the end of the file", line

    def where(self) -> str:
        return f"{self.file}:{self.tokens[self.at][2]}"

    def fail(self, what: str):
        raise LanguageError(f"{self.where()}: {what}, not {self.tokens[self.at][1]!r}")

    def peek(self, offset: int = 0) -> str:
        return self.tokens[min(self.at + offset, len(self.tokens) - 1)][1]

    def accept(self, *texts: str) -> bool:
        if all(self.peek(i) == text for i, text in enumerate(texts)):
            self.at += len(texts)
            return True
        return False

    def expect(self, text: str):
        if not self.accept(text):
            self.fail(f"expected {text!r}")

    def identifier(self) -> str:
        kind, text, _ = self.tokens[self.at]
        if kind != "name" or text in KEYWORDS:
            self.fail("expected an identifier")
        self.at += 1
        return text

    def value(self, use):
        """Reads a constant or its name; calls use(number) once every constant is known."""
        kind, text, _ = self.tokens[self.at]
        where = self.where()
        if kind == "number":
            sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
            octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX"
            number = sign * int(digits, 8 if octal else 0)
            self.at += 1
            self.later.append(lambda: use(number))
            return number
        name = self.identifier()
        self.later.append(lambda: use(self.constant(name, where)))
        return name

    def constant(self, name: str, where: str) -> int:
        seen = []
        while isinstance(name, str):
            if name not in self.constants or name in seen:
                raise LanguageError(f"{where}: no constant is called {name}")
            seen.append(name)
            name = self.constants[name]
        return name

    def define_constant(self, name: str, value, where: str, again: bool = False):
        """Versions of a program may repeat (again) a procedure, with the same number."""
        known = name in self.spec.types or name in self.constants
        if known and not (again and self.constants.get(name) == value):
            raise LanguageError(f"{where}: {name} is defined twice")
        self.constants[name] = value

    def define_type(self, name: str, type_):
        if name in self.spec.types or name in self.constants:
            raise LanguageError(f"{self.where()}: {name} is defined twice")
        self.spec.types[name] = type_

    def in_range(self, where: str, what: str, low: int, high: int, use):
        def check(number):
            if not low <= number <= high:
                raise LanguageError(f"{where}: {number} is no {what}")
            use(number)

        return check

    def size(self, node, attribute: str):
        """The value in brackets after a member's name."""
        use = partial(setattr, node, attribute)
        self.value(self.in_range(self.where(), "size", 0, LENGTH_MAX, use))

    def declaration(self) -> Member:
        if self.accept("void"):
            return Member("", BUILTIN["void"])
        bytes_ = self.peek() if self.peek() in ("opaque", "string") else None
        if bytes_:
            self.at += 1
        else:
            type_ = self.type_specifier()
            if self.accept("*"):
                return Member(self.identifier(), Optional(type_))
        name = self.identifier()
        if bytes_ != "string" and self.accept("["):
            node = FixedOpaque() if bytes_ else FixedArray(type_)
            self.size(node, "size")
            self.expect("]")
            return Member(name, node)
        if self.accept("<"):
            node = Opaque(string=bytes_ == "string") if bytes_ else Array(type_)
            if self.peek() != ">":
                self.size(node, "bound")
            self.expect(">")
            return Member(name, node)
        if bytes_:
            self.fail("expected a size")
        return Member(name, type_)

    def type_specifier(self):
        where = self.where()
        if self.accept("unsigned"):
            if self.accept("hyper"):
                return BUILTIN["unsigned_hyper"]
            self.accept("int") or self.accept("long")
            return BUILTIN["unsigned"]
        if self.accept("long"):
            return BUILTIN["int"]
        if self.accept("enum"):
            return self.enum_body() if self.peek() == "{" else Name(self.identifier(), where)
        if self.accept("struct"):
            return self.struct_body() if self.peek() == "{" else Name(self.identifier(), where)
        if self.accept("union"):
            return self.union_body() if self.peek() == "switch" else Name(self.identifier(), where)
        if self.peek() in ("int", "hyper", "float", "double", "quadruple", "bool"):
            self.at += 1
            return BUILTIN[self.peek(-1)]
        name = Name(self.identifier(), where)
        self.checks.append(lambda: self.spec.resolve(name))
        return name

    def enum_body(self) -> Enum:
        node = Enum()
        self.expect("{")
        while True:
            where, name = self.where(), self.identifier()
            self.expect("=")
            node.values[name] = 0  # keeps the order; the number comes later
            use = partial(node.values.__setitem__, name)
            text = self.value(self.in_range(where, "enum value", *INT_RANGE, use))
            self.define_constant(name, text, where)
            if not self.accept(","):
                break
        self.expect("}")
        return node

    def struct_body(self) -> Struct:
        node = Struct()
        self.expect("{")
        while not self.accept("}"):
            node.members.append(self.declaration())
            self.unique([member.name for member in node.members])
            self.expect(";")
        if not node.members:
            self.fail("expected a member")
        return node

    def unique(self, names: list[str]):
        names = [name for name in names if name]
        if len(names) != len(set(names)):
            raise LanguageError(f"{self.where()}: {names[-1]} is declared twice")

    def union_body(self) -> Union:
        where = self.where()
        self.expect("switch")
        self.expect("(")
        node = Union(self.declaration())
        self.expect(")")
        self.expect("{")
        while self.peek() == "case":
            labels: list[int] = []
            while self.accept("case"):
                self.value(labels.append)
                self.expect(":")
            node.arms.append((labels, self.declaration()))
            self.expect(";")
        if not node.arms:
            self.fail("expected a case")
        if self.accept("default", ":"):
            node.default = self.declaration()
            self.expect(";")
        self.expect("}")
        self.unique([member.name for _, member in node.arms])
        self.checks.append(lambda: self.check_union(node, where))
        return node

    def check_union(self, node: Union, where: str):
        legal = self.spec.legal(node.discriminant.type)
        if not legal:
            raise LanguageError(f"{where}: a union cannot switch on this type")
        seen = set()
        for label in (label for labels, _ in node.arms for label in labels):
            table = isinstance(legal, dict)
            if not (label in legal.values() if table else legal[0] <= label <= legal[1]):
                raise LanguageError(f"{where}: case {label} is no value of the discriminant")
            if label in seen:
                raise LanguageError(f"{where}: case {label} appears twice")
            seen.add(label)

    def program(self):
        program, procedures = self.identifier(), []
        self.expect("{")
        while self.accept("version"):
            self.identifier()
            self.expect("{")
            version = []
            while not self.accept("}"):
                version.append(self.procedure(program))
            self.expect("=")
            self.number_of("version_number", version)
            self.expect(";")
            procedures += version
        self.expect("}")
        self.expect("=")
        self.number_of("program_number", procedures)
        self.spec.procedures += procedures

    def number_of(self, what: str, procedures: list[Procedure]):
        def use(number):
            for procedure in procedures:
                setattr(procedure, what, number)

        self.value(self.in_range(self.where(), what, *UNSIGNED_RANGE, use))

    def procedure(self, program: str) -> Procedure:
        node = Procedure(program, 0, 0, "", 0, "", self.procedure_type())
        node.name = self.identifier()
        self.expect("(")
        node.argument = self.procedure_type()
        self.expect(")")
        self.expect("=")
        where = self.where()
        text = self.value(self.in_range(where, "number", *UNSIGNED_RANGE,
                                        partial(setattr, node, "number")))
        self.define_constant(node.name, text, where, again=True)
        self.expect(";")
        return node

    def procedure_type(self) -> str:
        if self.peek() in ("void", "string"):
            self.at += 1
            return self.peek(-1)
        return self.type_specifier().name

    def definition(self):
        if self.tokens[self.at][0] == "line":
            words = self.peek()[1:].split()
            if words[:1] != ["open"]:
                self.fail("expected %open NAME")
            self.at += 1
            for name in words[1:]:
                if not isinstance(self.spec.types.get(name), Enum):
                    self.fail(f"expected an enumeration defined above for {name}")
                self.spec.types[name].open = True
            return
        where = self.where()
        if self.accept("const"):
            name = self.identifier()
            self.expect("=")
            text = self.value(partial(self.spec.constants.__setitem__, name))
            self.define_constant(name, text, where)
        elif self.accept("typedef"):
            member = self.declaration()
            self.define_type(member.name, member.type)
        elif self.accept("enum"):
            name = self.identifier()
            self.define_type(name, self.enum_body())
        elif self.accept("struct", "*"):
            name = self.identifier()
            self.define_type(name, Optional(self.struct_body()))
        elif self.accept("struct"):
            name = self.identifier()
            self.define_type(name, self.struct_body())
        elif self.accept("union"):
            name = self.identifier()
            self.define_type(name, self.union_body())
        elif self.accept("program"):
            self.program()
        else:
            self.fail("expected a definition")
        self.expect(";")

    def parse(self) -> Spec:
        while self.tokens[self.at][0] != "end":
            self.definition()
        for action in self.later + self.checks:
            action()
        return self.spec


def parse(text: str, file: str = "text") -> Spec:
    return Parser(text, file).parse()


def parse_file(path: str) -> Spec:
    with open(path, encoding="ascii") as source:
        return parse(source.read(), path)
