"""MOUNT: showmount in all its forms, before and after a restart, and the old versions by hand."""

import os
import struct

from bench import Bench, expect
from cases_rpc import opaque, udp_call

HOST = "127.0.0.1"
# What asks for a list, and the line above it.
FORMS = {
    (): f"Hosts on {HOST}:",
    ("-a",): f"All mount points on {HOST}:",
    ("--all",): f"All mount points on {HOST}:",
    ("-d",): f"Directories on {HOST}:",
    ("--directories",): f"Directories on {HOST}:",
    ("-e",): f"Export list for {HOST}:",
    ("--exports",): f"Export list for {HOST}:",
}


def shown(bench: Bench, *form: str) -> list[str]:
    """The lines of the list, which are the same without the heading and with it, and for every spelling."""
    told = {
        spelling: bench.run("showmount", *spelling, HOST).splitlines()
        for spelling in FORMS
        if "".join(spelling).lstrip("-")[:1] == "".join(form).lstrip("-")[:1]
    }
    lines = bench.run("showmount", "--no-headers", *form, HOST).splitlines()
    for spelling, all_lines in told.items():
        expect(all_lines == [FORMS[spelling], *lines], f"showmount {spelling}: {all_lines}, without heading: {lines}")
    return [" ".join(line.split()) for line in lines]


def expect_shown(bench: Bench, mounted: set[tuple[str, str]]) -> None:
    """Every form tells of these (host, directory) pairs, and of the exports."""
    lists = {
        (): sorted({host for host, _ in mounted}),
        ("-a",): sorted(f"{host}:{directory}" for host, directory in mounted),
        ("-d",): sorted({directory for _, directory in mounted}),
        ("-e",): sorted(["/mem (everyone)", f"{bench.export} (everyone)"]),
    }
    for form, lines in lists.items():
        told = shown(bench, *form)
        expect(sorted(told) == lines, f"showmount {form}: {told}, expected {lines}")


def showmount(bench: Bench) -> None:
    below = bench.export / "below"
    below.mkdir()
    port = bench.serve("--clients", "*")
    expect_shown(bench, set())
    # libnfs mounts and never unmounts.
    for path in (bench.export, below):
        bench.run("nfs-ls", f"nfs://{HOST}{path}?version=3")
    for path in (os.fsencode(below), b"/mem"):
        expect(udp_call(port, 100005, 3, 1, opaque(path), "::1")[:4] == bytes(4), f"MNT {path} is refused")
    mounted = {(HOST, str(bench.export)), (HOST, str(below)), ("::1", str(below)), ("::1", "/mem")}
    expect_shown(bench, mounted)
    for end in (bench.kill_servers, bench.stop_servers):
        end()
        port = bench.serve("--clients", "*")
        expect_shown(bench, mounted)
    # What is unmounted stays so.
    unmounting = opaque(os.fsencode(below))
    expect(udp_call(port, 100005, 3, 3, unmounting) == b"", "UMNT has results")
    mounted.remove((HOST, str(below)))
    expect_shown(bench, mounted)
    expect(udp_call(port, 100005, 1, 4, b"", "::1") == b"", "UMNTALL has results")
    mounted = {(HOST, str(bench.export))}
    expect_shown(bench, mounted)
    bench.kill_servers()
    bench.serve("--clients", "*")
    expect_shown(bench, mounted)


def old_versions(bench: Bench) -> None:
    """Versions 1 and 2 answer all they have, and tshark reads it."""
    (bench.export / "file").write_text("")
    port = bench.serve("--clients", "*")
    export = os.fsencode(bench.export)
    for version in (1, 2):
        expect(udp_call(port, 100005, version, 0, b"") == b"", "NULL has results")
        for path, status in ((export, 13), (b"/elsewhere", 13), (export + b"/missing", 2), (export + b"/file", 20)):
            said = udp_call(port, 100005, version, 1, opaque(path))
            expect(said == struct.pack(">I", status), f"MNT {path}: {said.hex()}, expected {status}")
        exported = udp_call(port, 100005, version, 5, b"")
        expect(opaque(export) in exported, exported.hex())
        expect(udp_call(port, 100005, version, 6, b"") == exported, "EXPORTALL is not EXPORT")
        expect(udp_call(port, 100005, version, 2, b"") == bytes(4), "somebody has mounted something")
    of_export = struct.unpack(">10i", udp_call(port, 100005, 2, 7, opaque(export)))
    links, names, paths = (os.pathconf(bench.export, name) for name in ("PC_LINK_MAX", "PC_NAME_MAX", "PC_PATH_MAX"))
    expect(of_export == (links, 0, 0, names, paths, 0, 0, 0, 0x3CC, 0), f"PATHCONF: {of_export}")
    for path in (b"/elsewhere", b"/", export + b"/missing", export + b"/file", export + b"/.."):
        refused = struct.unpack(">10i", udp_call(port, 100005, 2, 7, opaque(path)))
        expect(refused == (0,) * 8 + (1, 0), f"PATHCONF {path}: {refused}")


CASES = {
    "showmount": showmount,
    "mount.old_versions": old_versions,
}
