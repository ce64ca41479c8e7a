"""What a case is, and finding them. The host reads this to plan, the guests to run."""

import dataclasses
import fnmatch
import importlib
import pathlib
import typing

CASES: dict[str, "Case"] = {}


@dataclasses.dataclass(frozen=True)
class Case:
    name: str  # file.function
    run: typing.Callable
    server: str  # which of harness/server.py's
    guests: int  # 2: runs in both guests at once, told apart by lab.client
    seconds: int  # after which the guest is given up


def case(*, server: str = "main", guests: int = 1, seconds: int = 120):
    """Registers a function as a case. It gets a guest.lab.Lab and fails by raising."""

    def register(run):
        name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
        CASES[name] = Case(name, run, server, guests, seconds)
        return run

    return register


def load() -> dict[str, Case]:
    for path in sorted(pathlib.Path(__file__).with_name("cases").glob("*.py")):
        importlib.import_module(f"cases.{path.stem}")
    return CASES


def matches(name: str, patterns: list[str]) -> bool:
    """`files`, `files.sizes` and `*.sizes` all name files.sizes; no pattern names everything."""
    return not patterns or any(
        fnmatch.fnmatch(name, p) or name.startswith(p + ".") for p in patterns
    )
