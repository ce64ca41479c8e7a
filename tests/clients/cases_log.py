"""What the log says to an administrator: mounts that are refused and allowed, clients that ask for what there is not, what a
restart costs, and how lines look."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess

from bench import Bench, await_condition, expect
from cases_rpc import opaque
from cases_surroundings import GETATTR, MOUNT, NFS, handle_in, last_log, number
from traffic import PROGRAM_MISMATCH

OK, PERM, NOENT, ACCES, NOTDIR, STALE = 0, 1, 2, 13, 20, 70
STRANGER = "203.0.113.9"


@contextlib.contextmanager
def address(bench: Bench, text: str):
    """This machine has the address, too, while it lasts."""
    bench.run("ip", "addr", "add", f"{text}/32", "dev", "lo")
    try:
        yield text
    finally:
        bench.run("ip", "addr", "del", f"{text}/32", "dev", "lo")


def reply_to(source: tuple[str, int], port: int, program: int, version: int, procedure: int, arguments: bytes) -> bytes:
    """The reply without the xid, to a call with a user from that address and port (0: any high one)."""
    xid = os.urandom(4)
    user = struct.pack(">II", 1, 20) + struct.pack(">IIIII", 0, 0, 0, 0, 0) + b"\0" * 8
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(source)
        client.settimeout(10)
        header = struct.pack(">IIIII", 0, 2, program, version, procedure) + user
        client.sendto(xid + header + arguments, ("127.0.0.1", port))
        reply = client.recv(65536)
    expect(reply[:4] == xid, f"another reply: {reply.hex()}")
    return reply[4:]


def results(reply: bytes) -> bytes:
    expect(reply[:20] == struct.pack(">IIIII", 1, 0, 0, 0, 0), f"not a success: {reply.hex()}")
    return reply[20:]


def mount(source: tuple[str, int], port: int, path: pathlib.Path) -> tuple[int, bytes]:
    """The status of MNT, and the handle as arguments begin with it."""
    answer = results(reply_to(source, port, MOUNT, 3, 1, opaque(os.fsencode(path))))
    return number(answer), handle_in(answer) if number(answer) == OK else b""


def get_attributes(source: tuple[str, int], port: int, handle: bytes) -> int:
    return number(results(reply_to(source, port, NFS, 3, GETATTR, handle)))


def lines_with(bench: Bench, text: str) -> list[str]:
    """Level and text of the log's lines that contain this."""
    return [line.split(" ", 1)[1] for line in last_log(bench).splitlines() if text in line]


def expect_said(bench: Bench, *lines: str) -> None:
    """The log has each of these lines, once."""
    for line in lines:
        await_condition(lambda line=line: lines_with(bench, line), f"the log to say: {line}\n{last_log(bench)}", 10)
        expect(lines_with(bench, line) == [line], f"not just '{line}': {lines_with(bench, line)}")


def mounts(bench: Bench) -> None:
    """Who may mount a DIR of the command line, and what is said about those that may not."""
    here, there, export = ("127.0.0.1", 0), (STRANGER, 0), bench.export
    (export / "file").touch()
    with address(bench, STRANGER):
        port = bench.serve_by(export, "--portmap", "off", "--listen", ":0")
        expect(mount(here, port, export)[0] == OK, "no mount from 127.0.0.1")
        expect(mount(there, port, export)[0] == ACCES, "a stranger mounts")
        expect(mount(here, port, pathlib.Path("/elsewhere"))[0] == ACCES, "what is not exported is mounted")
        expect(mount(here, port, export / "missing")[0] == NOENT, "what is not there is mounted")
        expect(mount(here, port, export / "file")[0] == NOTDIR, "a file is mounted")
        entry = f"the entry 127.0.0.0/8 of {export} (the default of --clients)"
        expect_said(
            bench,
            f"info: mount by 127.0.0.1 of '{export}' accepted: {entry} decides",
            f"warning: mount by {STRANGER} of '{export}' refused: no entry is for this client; --clients says who may mount; "
            "by default private addresses alone may",
            f"warning: mount by 127.0.0.1 of '/elsewhere' refused: not below any export; exported: {export}",
            f"warning: mount by 127.0.0.1 of '{export}/missing' refused: No such file or directory; {entry} would allow it",
            f"warning: mount by 127.0.0.1 of '{export}/file' refused: Not a directory; {entry} would allow it",
        )
        bench.stop_servers()
        port = bench.serve_by(export, "--clients", "203.0.113.0/24", "--portmap", "off", "--listen", ":0")
        expect(mount(there, port, export)[0] == OK, "--clients is not heard")
        for _ in range(100):
            expect(mount(here, port, export)[0] == ACCES, "127.0.0.1 mounts")
        bench.stop_servers()
        refused = f"warning: mount by 127.0.0.1 of '{export}' refused: no entry is for this client; --clients says who may mount"
        told = lines_with(bench, "mount by 127.0.0.1 of")
        expect(told == [refused] * 3 + [refused + " (97 more like this from 127.0.0.1)"], f"{told}")
        accepted = f"info: mount by {STRANGER} of '{export}' accepted: the entry 203.0.113.0/24 of {export} (--clients) decides"
        expect(lines_with(bench, "accepted") == [accepted], last_log(bench))


def libnfs_mounts(bench: Bench) -> None:
    """A client of others: one line for each mount, with the entry."""
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} 127.0.0.1(rw,insecure)\n")
    bench.serve_by("--exports", table)
    bench.run("nfs-ls", f"nfs://127.0.0.1{bench.export}?version=3")
    denied = bench.run("nfs-ls", "nfs://127.0.0.1/elsewhere?version=3", status=243)
    expect("Permission denied" in denied, denied)
    where = f"{table}:1:{len(str(bench.export)) + 2}"
    expect_said(
        bench,
        f"info: mount by 127.0.0.1 of '{bench.export}' accepted: the entry 127.0.0.1 of {bench.export} ({where}) decides",
        f"warning: mount by 127.0.0.1 of '/elsewhere' refused: not below any export; exported: {bench.export}",
    )


def many_paths(bench: Bench) -> None:
    """A client that is refused for one path, over and over, is told of for another one all the same."""
    port = bench.serve_by(bench.export, "--portmap", "off", "--listen", ":0")
    for _ in range(50):
        expect(mount(("127.0.0.1", 0), port, pathlib.Path("/mistyped"))[0] == ACCES, "what is not exported is mounted")
    for name in ("second", "third"):
        expect(mount(("127.0.0.1", 0), port, pathlib.Path("/") / name)[0] == ACCES, "what is not exported is mounted")
    expect(mount(("127.0.0.1", 0), port, bench.export / "missing")[0] == NOENT, "what is not there is mounted")
    for path in ("/second", "/third", f"{bench.export}/missing"):
        await_condition(lambda path=path: lines_with(bench, f"of '{path}' refused"), f"the log to tell of {path}")
    for number_ in range(30):
        mount(("127.0.0.1", 0), port, pathlib.Path(f"/{number_}"))
    bench.stop_servers()
    await_condition(lambda: "more like this from 127.0.0.1, of '/" in last_log(bench), "the log to tell")
    expect(last_log(bench).count("not below any export") < 20, "one client fills the log")


def forged_lines(bench: Bench) -> None:
    """No path that a client names looks like the words of the log, nor like another path."""
    forged = f"/x' refused: no\nmount by 192.0.2.1 of '{bench.export}' accepted: '"
    shown = f"'/x\\x27 refused: no\\x0amount by 192.0.2.1 of \\x27{bench.export}\\x27 accepted: \\x27' refused: not below"
    for level in ("text", "json"):
        port = bench.serve_by(bench.export, "--portmap", "off", "--listen", ":0", "--log-format", level)
        for path in (forged, "/a\\x0a", "/a\n", "/a\0b"):
            expect(mount(("127.0.0.1", 0), port, pathlib.Path(path))[0] == ACCES, "what is not exported is mounted")
        bench.stop_servers()
        lines = last_log(bench).splitlines()
        if level == "text":
            expect(len([line for line in lines if f"warning: mount by 127.0.0.1 of {shown}" in line]) == 1, last_log(bench))
            expect("of '/a\\x5cx0a' refused" in last_log(bench) and "of '/a\\x0a' refused" in last_log(bench), last_log(bench))
            continue
        told = [line for line in map(json.loads, lines) if "path" in line]
        expect([line["client"] for line in told] == ["127.0.0.1"] * 4, f"{told}")
        paths = [forged.replace("\n", "\\x0a"), "/a\\x5cx0a", "/a\\x0a", "/a\\x00b"]
        expect([line["path"] for line in told] == paths, f"{told}")


def refused_calls(bench: Bench) -> None:
    """A client whose calls all fail: from high ports, without an entry any more, with handles of what is no longer exported."""
    low, high, other = ("127.0.0.1", 700), ("127.0.0.1", 40_000), bench.directory / "other"
    other.mkdir(mode=0o777)
    table = bench.directory / "exports"

    def export(*lines: str) -> None:
        table.write_text("".join(f"{line}\n" for line in lines))

    def calls(source: tuple[str, int], expected: int) -> None:
        for _ in range(20):
            status = get_attributes(source, port, root)
            expect(status == expected, f"GETATTR from {source}: {status}, expected {expected}")

    export(f"{bench.export} 127.0.0.0/8(rw)")
    port = bench.serve_by("--exports", table, "--portmap", "off", "--listen", ":0")
    expect(mount(high, port, bench.export)[0] == PERM, "a mount from a high port")
    status, root = mount(low, port, bench.export)
    expect(status == OK, f"MNT from a low port: {status}")
    calls(high, PERM)
    calls(low, OK)
    where = f"{table}:1:{len(str(bench.export)) + 2}"
    entry = f"the entry 127.0.0.0/8 of {bench.export} ({where}) wants ports below 1024"
    expect_said(
        bench,
        f"warning: mount by 127.0.0.1 of '{bench.export}' refused: {entry}, and the call comes from port 40000; "
        "insecure would allow others",
        f"warning: calls of 127.0.0.1 to {bench.export} are refused: {entry}, and they come from port 40000; "
        "insecure would allow others",
    )
    export(f"{bench.export} 192.0.2.1(rw)")
    bench.reload("reloaded: 1 export")
    calls(low, ACCES)
    expect_said(bench, f"warning: calls of 127.0.0.1 to {bench.export} are refused: no entry is for this client; "
                       f"add it to {bench.export} in {table}, and send SIGHUP")  # fmt: skip
    export(f"{other} *(rw)")
    bench.reload("reloaded: 1 export")
    calls(low, STALE)
    await_condition(lambda: lines_with(bench, "of an export that is not there"), "the log to say so")
    expect(len(lines_with(bench, "of an export that is not there")) == 1, last_log(bench))
    export(f"{bench.export} *(rw)")
    bench.reload("reloaded: 1 export")
    calls(low, OK)


def hidden_mounts(bench: Bench) -> None:
    """What is mounted in an export and is no part of it: MNT says no more than that, the log says why."""
    point = bench.export / "mounted"
    point.mkdir()
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} 127.0.0.1(rw,insecure,crossmnt) 127.0.0.2(rw,insecure)\n")
    mounting = 'mount -t tmpfs none "$1"; mkdir "$1/below"; shift; exec "$@"'
    by = ("unshare", "--mount", "sh", "-c", mounting, "sh", str(point))
    port = bench.serve_by("--exports", table, "--portmap", "off", "--listen", ":0", by=by)
    expect(mount(("127.0.0.1", 0), port, point)[0] == OK, "crossmnt is not heard")
    where = f"{table}:1:{table.read_text().index('127.0.0.2') + 1}"
    for path in (point, point / "below"):
        expect(mount(("127.0.0.2", 0), port, path)[0] == ACCES, "what is hidden is mounted")
        expect_said(bench, f"warning: mount by 127.0.0.2 of '{path}' refused: {point}: what is mounted here stays hidden: the entry "
                           f"127.0.0.2 of {bench.export} ({where}) has no crossmnt")  # fmt: skip


def other_versions(bench: Bench) -> None:
    """Whoever asks for NFSv4 or NFSv2 is told of version 3, and so is the administrator, once."""
    port = bench.serve_by(bench.export, "--portmap", "off", "--listen", ":0")
    for _ in range(10):
        for version in (0, 2, 4):
            reply = reply_to(("127.0.0.1", 0), port, NFS, version, 0, b"")
            expect(reply == struct.pack(">IIIIIII", 1, 0, 0, 0, 2, 3, 3), f"version {version}: {reply.hex()}")
    expect(mount(("127.0.0.1", 0), port, bench.export)[0] == OK, "a mount after them")
    bench.stop_servers()
    asks = [
        "info: 127.0.0.1 asks for NFSv2; berth has version 3: mount with vers=3",
        "info: 127.0.0.1 asks for NFSv4; berth has version 3: mount with vers=3 saves the detour",
    ]
    expect(lines_with(bench, "asks for") == asks, last_log(bench))


other_versions.refusals = frozenset({PROGRAM_MISMATCH})


def closed_connections(bench: Bench) -> None:
    """Connections end as clients like, and nobody is told but who debugs."""
    for level in ("info", "debug"):
        port = bench.serve_by(bench.export, "--portmap", "off", "--listen", ":0", "--log-level", level)
        for end in (socket.SHUT_WR, socket.SHUT_RDWR, None):
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(struct.pack(">I", 1 << 31 | 40) + bytes(10))  # within a record
                if end is None:  # a reset
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    connection.shutdown(end)
        expect(mount(("127.0.0.1", 0), port, bench.export)[0] == OK, "a mount after them")
        if level == "debug":
            await_condition(lambda: last_log(bench).count(" ended: ") == 3, "the log to tell of the ends")
        bench.stop_servers()
        expect(not re.search(" (warning|error): ", last_log(bench)), last_log(bench))
        expect("failed" not in last_log(bench), last_log(bench))
    ends = [line.split(" ended: ")[1] for line in last_log(bench).splitlines() if " ended: " in line]
    expect(sorted(set(ends)) == ["closed by the client", "reset by the client"], f"{ends}")


def after_restart(bench: Bench) -> None:
    """What a restart costs is said at the start, and nothing that contradicts it."""
    survives, is_lost = "file handles survive a restart", "clients must mount again"
    user = ("setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "--")
    places = {"disk": bench.export, "tmpfs": bench.directory / "tmpfs", "overlay": bench.directory / "overlay"}
    for name in ("lower", "upper", "work"):
        (bench.directory / "layers" / name).mkdir(parents=True)
    for name in ("tmpfs", "overlay"):
        places[name].mkdir()
    try:
        bench.run("mount", "-t", "tmpfs", "none", bench.directory / "layers")
        for name in ("lower", "upper", "work"):
            (bench.directory / "layers" / name).mkdir(parents=True)
        bench.run("mount", "-t", "tmpfs", "none", places["tmpfs"])
        layers = ",".join(f"{option}dir={bench.directory}/layers/{option}" for option in ("lower", "upper", "work"))
        bench.run("mount", "-t", "overlay", "none", "-o", layers, places["overlay"])
        for path in (bench.directory, *bench.directory.parents):
            path.chmod(path.stat().st_mode | 0o011)
        for path in places.values():
            path.chmod(0o777)
        for by in ((), user):
            for is_kept in (True, False):
                state = bench.directory / ("state-of-" + ("user" if by else "root"))
                if is_kept:
                    state.mkdir(mode=0o700)
                    os.chown(state, 1234 if by else 0, 1234 if by else 0)
                where = state if is_kept else pathlib.Path("/dev/null/state")
                serving = (*places.values(), "--memory", "mem", "--portmap", "off", "--listen", ":0", "--state", where)
                port = bench.serve_by(*serving, by=by)
                for path in (*places.values(), pathlib.Path("/mem")):
                    expect(mount(("127.0.0.1", 0), port, path)[0] == OK, f"no mount of {path} by {by}")
                bench.stop_servers()
                log = last_log(bench)
                expect("info: /mem: kept in memory alone: a restart empties it" in log, log)
                of_directories = log.count(survives), log.count("do not survive")
                if is_kept:
                    expect(of_directories == (len(places), 0), f"{by}: {of_directories}\n{log}")
                    expect("warning: the state directory" not in log and "get no locks" not in log, log)
                else:
                    expect(of_directories == (0, 0), f"{by}: {of_directories}\n{log}")
                    expect(log.count("can't be written (Not a directory), so after a restart " + is_lost) == 1, log)
                    expect(log.count("Clients get no locks now") == 1, log)
    finally:
        for path in (places["overlay"], places["tmpfs"], bench.directory / "layers"):
            subprocess.run(["umount", "--lazy", path], stderr=subprocess.DEVNULL)


def exports_folder(bench: Bench) -> None:
    """/etc/exports.d is read where there is no /etc/exports."""
    etc = bench.directory / "etc"
    bench.run("cp", "-a", "/etc", etc)
    (etc / "exports").unlink(missing_ok=True)
    (etc / "exports.d").mkdir(exist_ok=True)
    for file in (etc / "exports.d").iterdir():
        file.unlink()
    (etc / "exports.d" / "one.exports").write_text(f"{bench.export} *(rw,insecure)\n")
    by = ("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc; shift; exec "$@"', "sh", str(etc))
    port = bench.serve_by("--portmap", "off", "--listen", ":0", by=by)
    expect(mount(("127.0.0.1", 0), port, bench.export)[0] == OK, "no mount")
    told = bench.run(*by, bench.berth, "exports", "check")
    expect(f"# /etc/exports.d/one.exports:1:{len(str(bench.export)) + 2}" in told, told)


def terminal(bench: Bench) -> None:
    """A terminal gets colours, unless its user wants none; a file never does. Every line has the time and its zone."""
    for variables, has_colours in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        outside, inside = os.openpty()
        bench.ports().add(20490)
        process = subprocess.Popen(
            [bench.berth, "serve", bench.export, "--state", "/dev/null/state", "--portmap", "off", "--listen", ":20490"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=inside,
            env={**{name: value for name, value in os.environ.items() if name not in ("TERM", "NO_COLOR")}, **variables},
        )  # fmt: skip
        os.close(inside)
        text = b""

        def has_said(outside=outside):
            nonlocal text
            text += os.read(outside, 65536)
            return b"survive" in text or b"objects are found" in text

        bench._others.append(process)
        await_condition(has_said, "the log to begin")
        os.set_blocking(outside, True)
        process.send_signal(signal.SIGTERM)
        expect(process.wait(15) == 0, f"status {process.returncode}")
        os.close(outside)
        expect((b"\x1b[33mwarning\x1b[0m: the state directory" in text) == has_colours, f"{variables}: {text}")
        expect((b"\x1b" in text) == has_colours, f"{variables}: {text}")
    port = bench.serve()
    expect(mount(("127.0.0.1", 0), port, bench.export)[0] == OK, "no mount")
    bench.stop_servers()
    stamp = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (info|warning|error): "
    for line in last_log(bench).splitlines():
        expect(re.match(stamp, line) is not None, line)


CASES = {
    "log.mounts": mounts,
    "log.libnfs_mounts": libnfs_mounts,
    "log.many_paths": many_paths,
    "log.forged_lines": forged_lines,
    "log.refused_calls": refused_calls,
    "log.hidden_mounts": hidden_mounts,
    "log.other_versions": other_versions,
    "log.closed_connections": closed_connections,
    "log.after_restart": after_restart,
    "log.exports_folder": exports_folder,
    "log.terminal": terminal,
}
