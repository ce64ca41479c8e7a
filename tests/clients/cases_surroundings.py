"""What the server meets where it is started: signals, standard streams, limits, a state directory that others can write,
exported directories that are replaced."""

import os
import pathlib
import signal
import stat
import struct
import subprocess

from bench import Bench, answers, await_condition, expect
from cases_rpc import opaque, udp_call

NFS, MOUNT = 100003, 100005
GETATTR, SETATTR, LOOKUP, READ, WRITE = 1, 2, 3, 6, 7
OK, NOENT, ACCES, NOTDIR, FBIG, STALE, SERVERFAULT = 0, 2, 13, 20, 27, 70, 10006


def number(results: bytes) -> int:
    return struct.unpack(">I", results[:4])[0]


def handle_in(results: bytes) -> bytes:
    return opaque(results[8 : 8 + number(results[4:])])


def mount(port: int, path: pathlib.Path) -> tuple[int, bytes]:
    """The status, and the handle as arguments begin with it."""
    results = udp_call(port, MOUNT, 3, 1, opaque(str(path).encode()))
    return number(results), handle_in(results) if number(results) == OK else b""


def look_up(port: int, directory: bytes, name: str) -> tuple[int, bytes]:
    results = udp_call(port, NFS, 3, LOOKUP, directory + opaque(name.encode()))
    return number(results), handle_in(results) if number(results) == OK else b""


def text_of(port: int, file: bytes) -> bytes:
    results = udp_call(port, NFS, 3, READ, file + struct.pack(">QI", 0, 100))
    expect(number(results) == OK, f"READ: {number(results)}")
    return results[-4 - (-(-number(results[92:96]) // 4) * 4) :][4:][: number(results[92:96])]


def write(port: int, file: bytes, offset: int, data: bytes) -> tuple[int, int]:
    """The status, and how much was written."""
    results = udp_call(port, NFS, 3, WRITE, file + struct.pack(">QII", offset, len(data), 2) + opaque(data))
    return number(results), number(results[-16:]) if number(results) == OK else 0


def set_size(port: int, file: bytes, size: int) -> int:
    return number(udp_call(port, NFS, 3, SETATTR, file + struct.pack(">IIIIQIII", 0, 0, 0, 1, size, 0, 0, 0)))


def last_log(bench: Bench) -> str:
    logs = sorted(bench.directory.glob("berth-*.log"), key=lambda path: int(path.stem.split("-")[1]))
    return logs[-1].read_text()


def refused(bench: Bench, *arguments, said: str, by: tuple[str, ...] = ()) -> None:
    """A server that does not start: exit status 2 and one line that says why."""
    done = subprocess.run(
        [*by, bench.berth, "serve", bench.export, *arguments, "--portmap", "off", "--listen", ":0"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    expect(done.returncode == 2, f"status {done.returncode}: {done.stderr}")
    expect(said in done.stderr.splitlines()[-1], done.stderr)


def streams(bench: Bench) -> None:
    """Each of the standard streams, and any of them together, closed at the start; also of a command that asks."""
    port = 20490
    bench.ports().add(port)
    for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
        words = " ".join(f"{stream}>&-" for stream in closed)
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" {words}', bench.berth, "serve", bench.export,
             "--state", bench.directory / "state", "--portmap", "off", "--listen", f":{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await_condition(lambda: process.poll() is not None or answers(port), "berth to serve")
            expect(process.poll() is None, f"without {closed} it ends with {process.returncode}")
            leads = [os.readlink(f"/proc/{process.pid}/fd/{stream}") for stream in (0, 1, 2)]
            expect(leads == ["/dev/null"] * 3, f"without {closed}: {leads}")
            asked = ["bash", "-c", f'exec "$0" "$@" {words}', bench.berth, "locks", "--state", bench.directory / "state"]
            expect(mount(port, bench.export)[0] == OK, f"no mount without {closed}")
            expect(subprocess.run(asked, stdout=subprocess.DEVNULL).returncode == 0, f"locks without {closed}")
        finally:
            process.terminate()
            status = process.wait(15)
        expect(status == 0, f"ended with {status}")
    expect((bench.directory / "state/lock").stat().st_size == 0, "something was printed into the lock")


def signals(bench: Bench) -> None:
    """Nothing but a fault, SIGKILL and the orders to stop ends it, and they do whatever the parent left."""
    port = bench.serve_by(bench.export)
    process = bench._servers[-1]
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}
    others = faults | {signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT}
    for each in sorted(signal.valid_signals() - others):
        process.send_signal(each)
    expect(mount(port, bench.export)[0] == OK, "no answer after signals")
    bench.stop_servers()

    def left():
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(each, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    for order in (signal.SIGTERM, signal.SIGINT):
        port = 20490
        bench.ports().add(port)
        process = subprocess.Popen(
            [bench.berth, "serve", bench.export, "--state", bench.directory / "state", "--portmap", "off", "--listen", f":{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(bench.directory / "left.log").open("wb"), preexec_fn=left,
        )  # fmt: skip
        bench._others.append(process)
        await_condition(lambda: answers(port), "berth to serve")
        process.send_signal(signal.SIGHUP)
        await_condition(lambda: "reloaded" in (bench.directory / "left.log").read_text(), "a reload")
        process.send_signal(order)
        expect(process.wait(15) == 0, f"status {process.returncode} after {order.name}")


def early_reload(bench: Bench) -> None:
    """SIGHUP while the server starts is a reload, not its end."""
    # Until the pipe is read, berth waits where it reads its exports, before it serves.
    table = bench.directory / "exports"
    os.mkfifo(table)
    bench.ports().add(20490)
    process = subprocess.Popen(
        [bench.berth, "serve", "--exports", table, "--state", bench.directory / "state", "--portmap", "off", "--listen", ":20490"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(bench.directory / "early.log").open("wb"),
    )  # fmt: skip
    bench._others.append(process)
    with table.open("w") as pipe:  # returns when berth has opened the other end
        process.send_signal(signal.SIGHUP)
        table.rename(bench.directory / "pipe")
        table.write_text(f"{bench.export} *(rw,insecure)\n")
        pipe.write(f"{bench.export} *(rw,insecure)\n")
    await_condition(lambda: "reloaded" in (bench.directory / "early.log").read_text(), "the reload")
    expect(mount(20490, bench.export)[0] == OK, "not served")


def file_size_limit(bench: Bench) -> None:
    """`ulimit -f`: what goes past it is FBIG, what reaches it is written as far as it goes."""
    limit = 1 << 20
    port = bench.serve_by(bench.export, by=("prlimit", f"--fsize={limit}"))
    path = bench.export / "file"
    path.touch(0o666)
    path.chmod(0o666)
    root = mount(port, bench.export)[1]
    status, file = look_up(port, root, "file")
    expect(status == OK, f"LOOKUP: {status}")
    expect(write(port, file, limit - 4, b"12345678") == (OK, 4), "not written up to the limit")
    expect(write(port, file, limit, b"5678")[0] == FBIG, "written past the limit")
    expect(set_size(port, file, 1 << 30) == FBIG, "sized past the limit")
    expect(path.stat().st_size == limit, f"{path.stat().st_size} bytes")
    # What is longer than the limit already can be read, and be cut.
    with path.open("r+b") as local:
        local.truncate(2 * limit)
    expect(write(port, file, limit + 8, b"x")[0] == FBIG, "written past the limit, in the middle")
    expect(set_size(port, file, 8) == OK, "not cut")
    expect(write(port, file, 0, b"12345678") == (OK, 8), "not written below the limit")


def state_modes(bench: Bench) -> None:
    """Whatever the umask, only the owner reads what the server makes for itself, and nobody else writes there."""
    for mask in (0o000, 0o022, 0o077):
        top = bench.directory / f"made-{mask:o}"
        port = bench.serve_by(bench.export, "--state", top / "q" / "state", by=("bash", "-c", f'umask {mask:o}; exec "$0" "$@"'))
        expect(mount(port, bench.export)[0] == OK, "not served")
        above = 0o755 & ~mask
        expected = {top: above, top / "q": above, top / "q/state": 0o700}
        expected |= {path: 0o600 for path in (top / "q/state").iterdir() if not path.is_dir()}
        names = {path.name for path in expected}
        expect({"lock", "handle.key", "admin.sock", "locks"} <= names, f"{names}")
        for path, mode in expected.items():
            found = stat.S_IMODE(path.stat().st_mode)
            expect(found == mode, f"umask {mask:o}: {path} has mode {found:o}, not {mode:o}")
        bench.stop_servers()


def state_of_others(bench: Bench) -> None:
    """A directory that others can write keeps its mode, and the log says what they can do."""
    for mode, warns in ((0o1777, True), (0o777, True), (0o2775, True), (0o755, False), (0o700, False)):
        shared = bench.directory / f"shared-{mode:o}"
        shared.mkdir()
        shared.chmod(mode)
        port = bench.serve_by(bench.export, "--state", shared)
        expect(mount(port, bench.export)[0] == OK, "not served")
        expect(stat.S_IMODE(shared.stat().st_mode) == mode, f"{mode:o} has become {shared.stat().st_mode:o}")
        expect(("can be written by others" in last_log(bench)) == warns, f"{mode:o}: {last_log(bench)}")
        expect(stat.S_IMODE((shared / "handle.key").stat().st_mode) == 0o600, "the key")
        bench.stop_servers()
    others = bench.directory / "others"
    others.mkdir()
    os.chown(others, 1234, 1234)
    bench.serve_by(bench.export, "--state", others)
    expect("belongs to uid 1234, who can take away" in last_log(bench), last_log(bench))
    bench.stop_servers()
    (others / "handle.key").chmod(0o640)
    bench.serve_by(bench.export, "--state", others)
    expect("handle.key can be read or written by others (mode 0640)" in last_log(bench), last_log(bench))


def planted(bench: Bench) -> None:
    """What somebody has put under the names that the server uses: never written through, never waited for."""
    state, victim = bench.directory / "state", bench.directory / "victim"
    state.mkdir()
    victim.write_text("precious")
    for name in ("handle.key", "lock", "locks", "mounts", "watches", "admin.sock", "names"):
        path = state / name
        path.symlink_to(victim)
        refused(bench, "--state", state, said=f"{path} is not a")
        path.unlink()
        os.mkfifo(path)
        refused(bench, "--state", state, said=f"{path} is not a")
        path.unlink()
    path = state / "admin.sock"
    path.write_text("a file of somebody's")
    refused(bench, "--state", state, said="is not a socket")
    expect(path.read_text() == "a file of somebody's", "taken away")
    path.unlink()
    for name in ("handle.key", "locks", "lock"):
        path = state / name
        path.write_bytes(b"k" * 16)
        os.chown(path, 1234, 1234)
        refused(bench, "--state", state, said="belongs to uid 1234, not to uid 0")
        path.unlink()
    # Under the names that files have while they are written, nothing but rubbish can be.
    for name, put in (
        ("handle.key.new", lambda at: at.symlink_to(victim)),
        ("locks.new", lambda at: at.symlink_to(victim)),
        ("mounts.new", lambda at: os.mkfifo(at)),
        ("watches.new", lambda at: at.mkdir()),
    ):
        put(state / name)
    port = bench.serve_by(bench.export)
    expect(mount(port, bench.export)[0] == OK, "not served")
    expect(victim.read_text() == "precious", f"written into: {victim.read_text()!r}")
    await_condition(lambda: str(bench.export) in (state / "mounts").read_text(), "the list of mounts to be kept")
    expect((state / "locks").read_text().startswith("state "), "no record of locks")
    expect(stat.S_ISREG((state / "mounts").lstat().st_mode), "the list of mounts is no file")


def state_is_not_served(bench: Bench) -> None:
    """The state directory lies in an export: no client reaches it, and no export is in it."""
    state = bench.export / "state"
    refused(bench, "--state", bench.export, said="state directory")
    port = bench.serve_by(bench.export, "--squash", "none", "--state", state)
    os.link(state / "handle.key", bench.export / "other name")
    (bench.export / "link").symlink_to("state")
    root = mount(port, bench.export)[1]
    for path in (state, state / "names", bench.export / "link"):
        expect(mount(port, path)[0] == ACCES, f"MNT {path}: {mount(port, path)[0]}")
    for name in ("state", "other name"):
        expect(look_up(port, root, name)[0] == ACCES, f"LOOKUP {name}: {look_up(port, root, name)[0]}")
    (bench.export / "beside").write_text("served")
    expect(look_up(port, root, "beside")[0] == OK, "what is beside it")
    renamed = udp_call(port, NFS, 3, 14, root + opaque(b"state") + root + opaque(b"taken"))
    expect(number(renamed) == ACCES and state.is_dir(), f"RENAME: {number(renamed)}")


def replaced_exports(bench: Bench) -> None:
    """An export's directory is replaced, mounted over, taken away and put back: new mounts get what is there."""
    export = bench.directory / "releases"
    log = "another directory is there now"

    def make(name: str) -> pathlib.Path:
        made = bench.directory / name
        made.mkdir()
        (made / "name").write_text(name)
        return made

    def seen(port: int) -> tuple[int, bytes]:
        status, root = mount(port, export)
        return (status, text_of(port, look_up(port, root, "name")[1])) if status == OK else (status, b"")

    make("one").rename(export)
    port = bench.serve_by(export, bench.export)
    expect(seen(port) == (OK, b"one"), f"{seen(port)}")
    old = mount(port, export)[1]
    old_file = look_up(port, old, "name")[1]
    export.rename(bench.directory / "old")
    expect(mount(port, export)[0] == NOENT, "nothing is there")
    expect(mount(port, bench.export)[0] == OK, "the other export")
    make("two").rename(export)
    expect(seen(port) == (OK, b"two"), f"renamed: {seen(port)}")
    expect(last_log(bench).count(log) == 1, last_log(bench))
    for handle in (old, old_file):
        status = number(udp_call(port, NFS, 3, GETATTR, handle))
        expect(status == STALE, f"a handle of the directory before: {status}")
    in_its_mounts = ("nsenter", "--mount", "--target", str(bench._servers[-1].pid))
    bench.run(*in_its_mounts, "sh", "-c", 'mount -t tmpfs none "$0"; printf over >"$0/name"', export)
    expect(seen(port) == (OK, b"over"), f"mounted over: {seen(port)}")
    expect(last_log(bench).count(log) == 2, last_log(bench))
    bench.run(*in_its_mounts, "umount", "--lazy", export)
    expect(seen(port) == (OK, b"two"), f"unmounted: {seen(port)}")
    for path in (export / "name", export):
        path.unlink() if path.is_file() else path.rmdir()
    make("three").rename(export)
    expect(seen(port) == (OK, b"three"), f"removed and made: {seen(port)}")
    expect(last_log(bench).count(log) == 4, last_log(bench))
    export.rename(bench.directory / "old again")
    export.symlink_to("old again")
    expect(seen(port) == (OK, b"three"), f"a link to the same: {seen(port)}")
    make("four")
    export.unlink()
    export.symlink_to("four")
    expect(seen(port)[0] == SERVERFAULT, f"a link to another, which anybody may have put there: {seen(port)}")
    bench.reload("reloaded: ")
    expect(seen(port) == (OK, b"four"), f"a link to another, after SIGHUP: {seen(port)}")
    export.unlink()
    export.write_text("no directory")
    expect(seen(port)[0] == NOTDIR, f"a file: {seen(port)}")
    export.unlink()
    export.symlink_to(bench.directory / "state")
    expect(seen(port)[0] == SERVERFAULT, f"the state directory: {seen(port)}")
    expect(seen(port)[0] == SERVERFAULT, f"the state directory: {seen(port)}")
    expect(last_log(bench).count("clients can't mount what is there now") == 2, last_log(bench))
    expect(number(udp_call(port, NFS, 3, GETATTR, mount(port, bench.export)[1])) == OK, "the other export")


CASES = {
    "streams": streams,
    "signals": signals,
    "signals.early_reload": early_reload,
    "file_size_limit": file_size_limit,
    "state.modes": state_modes,
    "state.of_others": state_of_others,
    "state.planted": planted,
    "state.is_not_served": state_is_not_served,
    "replaced_exports": replaced_exports,
}
