"""What an XDR file says, as a tree: types, constants and procedures."""

from __future__ import annotations

from dataclasses import dataclass, field


class LanguageError(Exception):
    """The text is not what the language allows; the message begins with file and line."""


INT_RANGE = (-(2**31), 2**31 - 1)
UNSIGNED_RANGE = (0, 2**32 - 1)
LENGTH_MAX = 2**32 - 1


@dataclass(eq=False)
class Basic:
    """int, unsigned, hyper, unsigned_hyper, float, double, quadruple, bool or void."""

    name: str


@dataclass(eq=False)
class Enum:
    values: dict[str, int] = field(default_factory=dict)
    open: bool = False


@dataclass(eq=False)
class FixedOpaque:
    size: int = 0


@dataclass(eq=False)
class Opaque:
    """Variable-length opaque data, or a string."""

    bound: int = LENGTH_MAX
    string: bool = False


@dataclass(eq=False)
class FixedArray:
    element: object
    size: int = 0


@dataclass(eq=False)
class Array:
    element: object
    bound: int = LENGTH_MAX


@dataclass(eq=False)
class Optional:
    element: object


@dataclass(eq=False)
class Member:
    name: str  # empty when the type is void
    type: object


@dataclass(eq=False)
class Struct:
    members: list[Member] = field(default_factory=list)


@dataclass(eq=False)
class Union:
    discriminant: Member
    arms: list[tuple[list[int], Member]] = field(default_factory=list)
    default: Member | None = None

    def arm(self, discriminant: int) -> Member | None:
        for labels, member in self.arms:
            if discriminant in labels:
                return member
        return self.default


@dataclass(eq=False)
class Name:
    """A type by its name; Spec.resolve finds what it stands for."""

    name: str
    where: str


@dataclass(eq=False)
class Procedure:
    program: str
    program_number: int
    version_number: int
    name: str
    number: int
    argument: str
    result: str


# What a value's type may be named without a definition in the file.
BUILTIN = {
    name: Basic(name)
    for name in "void bool int unsigned hyper unsigned_hyper float double quadruple".split()
}
BUILTIN["string"] = Opaque(string=True)
BUILTIN["opaque"] = Opaque()


@dataclass(eq=False)
class Spec:
    """One file: its types and constants in their order, and its procedures."""

    types: dict[str, object] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    procedures: list[Procedure] = field(default_factory=list)

    def resolve(self, type_):
        """The type behind any number of names."""
        seen = []
        while isinstance(type_, Name):
            if type_.name in seen:
                raise LanguageError(f"{type_.where}: {type_.name} is defined by itself")
            seen.append(type_.name)
            if type_.name in self.types:
                type_ = self.types[type_.name]
            elif type_.name in BUILTIN:
                type_ = BUILTIN[type_.name]
            else:
                raise LanguageError(f"{type_.where}: no type is called {type_.name}")
        return type_

    def named(self, name: str):
        return self.resolve(Name(name, "asked for"))

    def legal(self, type_) -> dict[str, int] | tuple[int, int]:
        """The values a discriminant may take: a table by name, or a range."""
        type_ = self.resolve(type_)
        if isinstance(type_, Enum):
            return type_.values
        return {
            "bool": {"FALSE": 0, "TRUE": 1}, "int": INT_RANGE, "unsigned": UNSIGNED_RANGE,
        }.get(getattr(type_, "name", None), {})
