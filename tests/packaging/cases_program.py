"""The program file: hardened, stripped, and its symbols apart."""

import json
import shlex
import zlib

import elf
from elf import Elf
from place import Place

from bench import expect

ENDBR64 = b"\xf3\x0f\x1e\xfa"
STACK_PROBE = b"\x48\x83\x0c\x24\x00"  # orq $0, (%rsp)


def is_position_independent(place: Place) -> None:
    program = Elf(place.berth)
    expect(program.type == elf.ET_DYN, "the type is not ET_DYN")
    expect(program.flags(elf.DT_FLAGS_1) & elf.DF_1_PIE, "DF_1_PIE is not set")
    expect(not program.flags(elf.DT_FLAGS) & elf.DF_TEXTREL, "code is relocated (DF_TEXTREL)")
    expect(elf.DT_TEXTREL not in program.dynamic(), "code is relocated (DT_TEXTREL)")


def relocations_are_read_only(place: Place) -> None:
    """All symbols are bound at the start, after which nothing writes the tables."""
    program = Elf(place.berth)
    expect(any(segment.type == elf.PT_GNU_RELRO for segment in program.segments), "no PT_GNU_RELRO")
    expect(program.flags(elf.DT_FLAGS) & elf.DF_BIND_NOW or program.flags(elf.DT_FLAGS_1) & elf.DF_1_NOW, "bound lazily")


def nothing_is_writable_and_executable(place: Place) -> None:
    program = Elf(place.berth)
    stacks = [segment for segment in program.segments if segment.type == elf.PT_GNU_STACK]
    expect(len(stacks) == 1 and not stacks[0].flags & elf.PF_X, "the stack is executable, or nothing says that it is not")
    for segment in program.segments:
        expect(not (segment.flags & elf.PF_X and segment.flags & elf.PF_W), f"{segment} can be written and executed")


def libraries_come_from_the_system(place: Place) -> None:
    tags = Elf(place.berth).dynamic()
    expect(elf.DT_RPATH not in tags and elf.DT_RUNPATH not in tags, "the program looks for libraries in places of its own")


def imports(place: Place) -> set[str]:
    return {symbol.name for symbol in Elf(place.berth).symbols(".dynsym") if symbol.section == 0}


def stacks_are_guarded(place: Place) -> None:
    expect("__stack_chk_fail" in imports(place), "no stack protector")


def stacks_are_probed(place: Place) -> None:
    """Large frames touch every page, so that none jumps over the guard page."""
    program = Elf(place.berth)
    code = program.contents(program.section(".text"))
    expect(code.count(STACK_PROBE) > 0, "no function probes its stack")


def library_calls_are_fortified(place: Place) -> None:
    checked = {name for name in imports(place) if name.startswith("__") and name.endswith("_chk")}
    expect(checked, "no checked variants of library calls")


def branches_are_tracked(place: Place) -> None:
    """Every function that could be called through a pointer begins with an instruction that says so."""
    program = Elf(place.build / "berth")
    symbols = program.symbols(".symtab")
    functions = [symbol for symbol in symbols if symbol.type == elf.STT_FUNC and symbol.binding == elf.STB_GLOBAL
                 and symbol.section and symbol.name.startswith("_ZN5berth") and ".cold" not in symbol.name]  # fmt: skip
    expect(len(functions) > 100, f"only {len(functions)} functions found")
    bare = [symbol.name for symbol in functions if program.bytes_at(symbol.value, 4) != ENDBR64]
    expect(not bare, f"{len(bare)} of {len(functions)} functions do not begin with endbr64: {bare[:5]}")


def symbols_are_apart(place: Place) -> None:
    top = place.install()
    program = Elf(top / "usr/bin/berth")
    for section in (".symtab", ".debug_info"):
        expect(program.section(section) is None, f"the installed program has {section}")
    identity = program.build_id()
    symbols = top / "usr/lib/debug/.build-id" / identity[:2] / f"{identity[2:]}.debug"
    expect(symbols.exists(), f"no {symbols}")
    expect(program.debug_link() == (symbols.name, zlib.crc32(symbols.read_bytes())), "the debug link leads elsewhere")
    apart = Elf(symbols)
    expect(apart.build_id() == identity, "the symbols are of another build")
    expect(apart.section(".debug_info") is not None, "the symbols have no lines and types")


# What GCC 12 makes wrongly of a function that is large enough: the first value is never stored, because a call assigns to
# the variable, although it throws.
THROWS = """
#include <cstdio>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
[[gnu::noipa]] void leave_marks_on_the_stack() {
    volatile char marks[4096];
    for (auto& mark : marks) mark = 1;
}
[[gnu::noipa]] std::optional<int> run(const std::function<void()>&, const std::function<std::string()>&) {
    leave_marks_on_the_stack();
    throw std::runtime_error{"always"};
}
[[gnu::noipa]] void work(int) {}
[[gnu::noipa]] std::string name() { return {}; }
[[gnu::noipa]] bool is_set_by_a_call_that_throws(int number) {
    std::optional<int> set;
    try {
        set = run([&] { work(number); }, [&] { return name(); });
    } catch (const std::runtime_error&) {
        work(number);
    }
    if (!set) number = 2;
    std::printf("%d ", number);
    return set.has_value();
}
int main() {
    leave_marks_on_the_stack();
    std::puts(is_set_by_a_call_that_throws(1) ? "set" : "not set");
}
"""


def what_a_call_that_throws_would_set_is_kept(place: Place) -> None:
    commands = json.loads((place.build / "compile_commands.json").read_text())
    command = next(shlex.split(entry["command"]) for entry in commands if "berth_server.dir/Unity" in entry["file"])
    compiler = next(word for word in command if word.endswith(("c++", "g++", "gcc", "clang++")))
    flags = [word for word in command if word.startswith(("-O", "-std=", "-f"))]
    source, program = place.directory / "throws.cpp", place.directory / "throws"
    source.write_text(THROWS)
    # As in a function with more variables than -ftree-sra splits.
    split = ["-fno-tree-sra"] if "clang" not in compiler else []
    place.run(compiler, *flags, *split, source, "-o", program)
    said = place.run(program)
    expect(said == "2 not set\n", f"{said!r} by {' '.join(flags)}")


CASES = {case.__name__: case for case in (
    is_position_independent, relocations_are_read_only, nothing_is_writable_and_executable, libraries_come_from_the_system,
    stacks_are_guarded, stacks_are_probed, library_calls_are_fortified, branches_are_tracked, symbols_are_apart,
    what_a_call_that_throws_would_set_is_kept)}  # fmt: skip
