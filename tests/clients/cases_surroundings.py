"""What the server meets where it is started: signals, standard streams, limits, a state directory that others can write,
exported directories that are replaced."""

import os
import pathlib
import signal
import socket
import stat
import struct
import subprocess

from bench import Bench, answers, await_condition, expect, mounts_of
from cases_rpc import opaque, udp_call

NFS, MOUNT = 100003, 100005
GETATTR, SETATTR, LOOKUP, READ, WRITE = 1, 2, 3, 6, 7
GRANTED, NO_LOCKS, GRACE_PERIOD = 0, 2, 4
OK, NOENT, ACCES, NOTDIR, FBIG, STALE, SERVERFAULT = 0, 2, 13, 20, 27, 70, 10006


def number(results: bytes) -> int:
    return struct.unpack(">I", results[:4])[0]


def handle_in(results: bytes) -> bytes:
    return opaque(results[8 : 8 + number(results[4:])])


def mount(port: int, path: pathlib.Path) -> tuple[int, bytes]:
    """The status, and the handle as arguments begin with it."""
    results = udp_call(port, MOUNT, 3, 1, opaque(os.fsencode(path)))
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
            status = subprocess.run(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
            expect(status == (1 if 1 in closed else 0), f"locks without {closed}: {status}")
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
        expect(("writable by others" in last_log(bench)) == warns, f"{mode:o}: {last_log(bench)}")
        expect(stat.S_IMODE((shared / "handle.key").stat().st_mode) == 0o600, "the key")
        bench.stop_servers()
    others = bench.directory / "others"
    others.mkdir()
    os.chown(others, 1234, 1234)
    bench.serve_by(bench.export, "--state", others)
    await_condition(lambda: "belongs to uid 1234, who can remove" in last_log(bench), "the log to tell")
    bench.stop_servers()
    (others / "handle.key").chmod(0o640)
    bench.serve_by(bench.export, "--state", others)
    await_condition(lambda: "handle.key can be read or written by others (mode 0640)" in last_log(bench), "the log to tell")
    bench.stop_servers()
    # The lock can be held by whoever can read it; the others are in danger from those that can write them.
    for name, mode, danger in (("lock", 0o644, "read or written"), ("mounts", 0o644, None), ("mounts", 0o664, "written")):
        path = others / name
        path.touch()
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        bench.serve_by(bench.export, "--state", others)
        bench.stop_servers()
        warned = [line for line in last_log(bench).splitlines() if f"{path} can be " in line]
        expect(bool(warned) == bool(danger), f"{name} {mode:o}: {last_log(bench)}")
        expect(not danger or f"can be {danger} by others (mode {mode:04o})" in warned[0], f"{name} {mode:o}: {warned}")
        path.chmod(before)


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
        refused(bench, "--state", state, said="belongs to uid 1234, but berth runs as uid 0")
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
    await_condition(lambda: str(bench.export).encode() in (state / "mounts").read_bytes(), "the list of mounts to be kept")
    expect(b"state" in (state / "locks").read_bytes(), "no record of locks")
    expect(stat.S_ISREG((state / "mounts").lstat().st_mode), "the list of mounts is no file")


def locked(port: int, file: bytes, host: bytes, reclaim: int = 0, at: int = 0, length: int = 0) -> int:
    """The status of NLM4_LOCK."""
    lock = opaque(host) + file + opaque(b"owner") + struct.pack(">iQQ", 1, at, length)
    results = udp_call(port, 100021, 4, 2, opaque(b"") + struct.pack(">II", 0, 1) + lock + struct.pack(">Ii", reclaim, 0))
    return number(results[-4:])


def file_of(bench: Bench, port: int) -> bytes:
    (bench.export / "file").touch(0o666)
    (bench.export / "file").chmod(0o666)
    return look_up(port, mount(port, bench.export)[1], "file")[1]


def state_replaced(bench: Bench) -> None:
    """What is kept where the next start would not look is not kept: no locks then, and one line in the log."""
    state, away = bench.directory / "state", bench.directory / "away"
    port = bench.serve_by(bench.export)
    file = file_of(bench, port)
    expect(locked(port, file, b"first") == GRANTED, "no lock")
    state.rename(away)
    state.mkdir()
    for host in (b"first", b"second", b"third"):
        status = locked(port, file, host)
        expect(status == NO_LOCKS, f"with another directory in its place: {status}")
    expect(not list(state.iterdir()), "written into a directory of somebody's")
    said = "locks can't be written (another directory has been put in the place of its own)"
    await_condition(lambda: last_log(bench).count(said) == 1, "the log to tell")
    state.rmdir()
    away.rename(state)
    expect(locked(port, file, b"first") == GRANTED, "no lock where the directory is back")
    await_condition(lambda: "locks are granted again" in last_log(bench), "the log to say so")


def killed(bench: Bench) -> None:
    process = bench._servers.pop()
    process.kill()
    process.wait()


def state_damaged(bench: Bench) -> None:
    """Who held locks may be lost: then all may reclaim for the whole grace period, and nobody else gets a lock."""
    port = bench.serve_by(bench.export)
    file = file_of(bench, port)
    expect(locked(port, file, b"holder") == GRANTED, "no lock")
    killed(bench)
    locks = bench.directory / "state" / "locks"
    bytes_of_locks = bytearray(locks.read_bytes())
    bytes_of_locks[-1] ^= 1
    locks.write_bytes(bytes_of_locks)
    for _ in range(2):
        port = bench.serve_by(bench.export)
        expect(locked(port, file, b"other") == GRACE_PERIOD, "another client has the lock")
        killed(bench)
    expect((locks.parent / "locks.damaged-1").read_bytes() == bytes_of_locks, "the damaged file is not kept")
    port = bench.serve_by(bench.export)
    expect(locked(port, file, b"holder", reclaim=1) == GRANTED, "the holder can't reclaim")


def state_of_earlier_versions(bench: Bench) -> None:
    """A text of who held locks is read, and becomes a file of the present form."""
    state = bench.directory / "state"
    state.mkdir()
    (state / "locks").write_text("state 7\nhost 127.0.0.1 127.0.0.1 x" + b"holder".hex() + "\n")
    (state / "mounts").write_text("192.0.2.7 /data\n")
    (state / "watches").write_text("boot 1234\n")
    port = bench.serve_by(bench.export)
    file = file_of(bench, port)
    expect(locked(port, file, b"other") == GRACE_PERIOD, "the holder is forgotten")
    expect(locked(port, file, b"holder", reclaim=1) == GRANTED, "the holder can't reclaim")
    expect("damaged" not in last_log(bench), last_log(bench))
    shown = udp_call(port, MOUNT, 3, 2, b"")
    expect(b"192.0.2.7" in shown and b"/data" in shown, f"{shown}")
    for name in ("locks", "mounts", "watches"):
        expect((state / name).read_bytes().startswith(b"\0berth\0"), f"{name} is as it was")


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
    await_condition(lambda: last_log(bench).count(log) == 1, "the log to say so 1 times")
    for handle in (old, old_file):
        status = number(udp_call(port, NFS, 3, GETATTR, handle))
        expect(status == STALE, f"a handle of the directory before: {status}")
    in_its_mounts = mounts_of(bench._servers[-1].pid)
    bench.run(*in_its_mounts, "sh", "-c", 'mount -t tmpfs none "$0"; printf over >"$0/name"', export)
    expect(seen(port) == (OK, b"over"), f"mounted over: {seen(port)}")
    await_condition(lambda: last_log(bench).count(log) == 2, "the log to say so 2 times")
    bench.run(*in_its_mounts, "umount", "--lazy", export)
    expect(seen(port) == (OK, b"two"), f"unmounted: {seen(port)}")
    for path in (export / "name", export):
        path.unlink() if path.is_file() else path.rmdir()
    make("three").rename(export)
    expect(seen(port) == (OK, b"three"), f"removed and made: {seen(port)}")
    await_condition(lambda: last_log(bench).count(log) == 4, "the log to say so 4 times")
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
    await_condition(lambda: last_log(bench).count("can't export the directory that is there now") == 2, "the log to tell")
    expect(number(udp_call(port, NFS, 3, GETATTR, mount(port, bench.export)[1])) == OK, "the other export")


def started(bench: Bench, *arguments, errors, port: int = 20490) -> subprocess.Popen:
    """A server that serves, and whose standard error is this."""
    bench.ports().add(port)
    process = subprocess.Popen(
        [bench.berth, "serve", *arguments, "--state", bench.directory / "state", "--portmap", "off", "--listen", f":{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
    )  # fmt: skip
    bench._others.append(process)
    await_condition(lambda: process.poll() is not None or answers(port), "berth to serve")
    expect(process.poll() is None, f"it ends with {process.returncode}")
    return process


def send_no_record(port: int) -> None:
    """A connection that ends because it has sent no RPC record."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        try:
            connection.recv(1)
        except ConnectionResetError:
            pass


def full_pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x")
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def unread_log(bench: Bench) -> None:
    """Nobody reads the log: calls go on whatever a client makes the server log, and SIGTERM ends it. So does a reload."""
    reader, writer = full_pipe()
    port = 20490
    process = started(bench, bench.export, "--log-level", "trace", errors=writer)
    for _ in range(300):
        send_no_record(port)
    for _ in range(3000):
        expect(mount(port, bench.export)[0] == OK, "a call of another client")
    process.send_signal(signal.SIGHUP)
    expect(mount(port, bench.export)[0] == OK, "a call after a reload")
    process.terminate()
    expect(process.wait(15) == 0, f"status {process.returncode}")
    for end in (reader, writer):
        os.close(end)


def repeated_lines(bench: Bench) -> None:
    """One client has a few lines of a kind; the others are counted."""
    log = bench.directory / "berth-90.log"
    with log.open("wb") as errors:
        process = started(bench, bench.export, errors=errors)
    for _ in range(200):
        send_no_record(20490)
    expect(mount(20490, bench.export)[0] == OK, "a call after them")
    process.terminate()
    expect(process.wait(15) == 0, f"status {process.returncode}")
    lines = [line for line in log.read_text().splitlines() if "sent data that is no RPC record" in line]
    expect(len(lines) == 4, f"{len(lines)} lines: {lines[:5]}")
    expect("(197 more like this from 127.0.0.1)" in lines[-1], lines[-1])


def unread_error(bench: Bench) -> None:
    """A start that fails ends, though nobody reads why; with a reader, the reason comes last."""
    reader, writer = full_pipe()
    command = [bench.berth, "serve", bench.directory / "none", "--state", bench.directory / "state", "--listen", ":0"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=writer, timeout=30)
    expect(done.returncode == 2, f"status {done.returncode}")
    for end in (reader, writer):
        os.close(end)
    port = bench.serve()
    expect(mount(port, bench.export)[0] == OK, "no mount")
    bench.stop_servers()
    done = subprocess.run([*command[:2], bench.export, *command[2:]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    expect(len(lines) == 2 and " info: " in lines[0] and lines[1].startswith("berth: "), done.stderr)


def unread_output(bench: Bench) -> None:
    """Nobody reads what the server says on standard output, or it is full: it serves, and the log says so."""
    reader, writer = full_pipe()
    for output in (writer, os.open("/dev/full", os.O_WRONLY)):
        log = bench.directory / "output.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [bench.berth, "serve", bench.export, "--state", bench.directory / "state", "--portmap", "off", "--listen", ":20490"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
            )  # fmt: skip
        bench._others.append(process)
        await_condition(lambda: "standard output can't be written" in log.read_text(), "the log to say so")
        expect(mount(20490, bench.export)[0] == OK, "no mount")
        process.terminate()
        expect(process.wait(15) == 0, f"status {process.returncode}")
        os.close(output)
    os.close(reader)


def full_output(bench: Bench) -> None:
    """What can't print its answer has failed, and says why."""
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} *(ro)\n")
    port = bench.serve()
    expect(mount(port, bench.export)[0] == OK, "no mount")
    state = ("--state", bench.directory / "state")
    for command in (("version",), ("help",), ("--help",), ("serve", "--help"), ("exports", "check", table), ("locks", *state),
                    ("exports", "explain", "--exports", table, "127.0.0.1", bench.export)):  # fmt: skip
        with open("/dev/full", "wb") as full:
            done = subprocess.run([bench.berth, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
        expect(done.returncode == 1, f"{command[0]}: status {done.returncode}")
        expect(done.stderr == "berth: standard output can't be written: No space left on device\n", done.stderr)


def pipes_as_files(bench: Bench) -> None:
    """An exports file or a configuration that has become a pipe: SIGHUP changes nothing, and SIGTERM is heard."""
    table, config = bench.directory / "exports", bench.directory / "berth.toml"
    for pipe in (table, config):
        table.write_text(f"{bench.export} *(rw,insecure)\n")
        config.write_text('log-level = "info"\n')
        port = bench.serve_by("--exports", table, "--config", config)
        pipe.unlink()
        os.mkfifo(pipe)
        bench.reload(f"reload refused, nothing has changed: {pipe}: it is no regular file")
        expect(mount(port, bench.export)[0] == OK, "what was exported before")
        bench.stop_servers()
        pipe.unlink()


def escaped_names(bench: Bench) -> None:
    """Names of directories can't write to the operator's terminal: not from the log, nor from what commands print."""
    name = os.fsencode(bench.directory) + b"/\x1b[2J\xff\n\xc2\x9b"
    os.mkdir(name)
    table = bench.directory / "exports"
    table.write_bytes(os.fsencode(bench.directory) + rb'/\033[2J\377\012\302\233 *(ro,insecure)' + b"\n")
    port = bench.serve_by("--exports", table)
    expect(mount(port, pathlib.Path(os.fsdecode(name)))[0] == OK, "no mount")
    bench.stop_servers()
    commands = [("exports", "check", table), ("exports", "explain", "--exports", table, "127.0.0.1", name), ("serve", name + b"2")]
    said = [subprocess.run([bench.berth, *command], capture_output=True) for command in commands]
    texts = [out for done in said for out in (done.stdout, done.stderr)]
    texts += [file.read_bytes() for pattern in ("*.log", "*.out") for file in bench.directory.glob(pattern)]
    expect(sum(b"[2J" in text for text in texts) == 5, f"where the name is shown: {texts}")
    for text in texts:
        shown = text.decode()  # valid UTF-8
        expect(all(c.isprintable() or c == "\n" for c in shown), f"control characters: {text}")
    listed = bench.directory / "listed"
    listed.write_bytes(said[0].stdout)
    bench.run(bench.berth, "exports", "check", listed)  # it stays a file of exports(5)


def user_namespaces(bench: Bench) -> None:
    """In a user namespace the log says whether anonymous callers are refused, and so it is."""
    (bench.export / "file").write_text("")
    table = bench.directory / "exports"
    for mapped, anonymous, is_refused in (
        ("0 0 1", 65534, None),  # nobody but the machine's root, so every caller would act as root
        ("0 0 65536", 65534, False),
        ("0 0 1000", 65534, True),
        ("0 0 1000", 65, False),
    ):
        table.write_text(f"{bench.export} *(rw,insecure,all_squash,anonuid={anonymous},anongid={anonymous})\n")
        log = bench.directory / "namespace.log"
        command = [bench.berth, "serve", "--exports", table, "--state", bench.directory / "state",
                   "--portmap", "off", "--listen", ":20490"]  # fmt: skip
        with log.open("wb") as errors:
            process = subprocess.Popen(
                ["unshare", "--user", "bash", "-c", 'echo inside; read -r; exec "$@"', "bash", *command],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        bench._others.append(process)
        bench.ports().add(20490)
        expect(process.stdout.readline() == b"inside\n", "a user namespace")
        for kind in ("uid", "gid"):
            pathlib.Path(f"/proc/{process.pid}/{kind}_map").write_text(mapped)
        process.stdin.write(b"\n")
        process.stdin.close()
        await_condition(lambda: process.poll() is not None or answers(20490), "berth to serve")
        if is_refused is None:
            expect(process.wait(15) == 2 and "every client would act as root" in log.read_text(), log.read_text())
            continue
        root = mount(20490, bench.export)[1]
        status = look_up(20490, root, "file")[0]
        expect((status != OK) == is_refused, f"mapped {mapped}, anonymous {anonymous}: {status}\n{log.read_text()}")
        process.terminate()
        expect(process.wait(15) == 0, f"status {process.returncode}")
        said = "so they are refused" in log.read_text()
        expect(said == is_refused, f"mapped {mapped}, anonymous {anonymous}: {log.read_text()}")


def few_descriptors(bench: Bench) -> None:
    """A limit that leaves nothing to serve with is said at the start, and so are few descriptors."""
    bench.directory.joinpath("state").mkdir(mode=0o700)
    refused(bench, "--state", bench.directory / "state", said="only 20 files and connections can be open at a time", by=("prlimit", "--nofile=20:20"))
    exports = [bench.directory / str(n) for n in range(30)]
    for path in exports:
        path.mkdir()
    refused(bench, *exports, "--state", bench.directory / "state", said="leaves less than 32 for clients", by=("prlimit", "--nofile=75:75"))
    port = bench.serve_by(bench.export, by=("prlimit", "--nofile=20:200"))
    expect(mount(port, bench.export)[0] == OK, "no mount")
    bench.stop_servers()
    await_condition(lambda: "warning: the limit on open files and connections is low (200, " in last_log(bench), "the log to tell")
    bench.serve_by(bench.export)
    bench.stop_servers()
    expect(" info: " in next(line for line in last_log(bench).splitlines() if "files and connections" in line), last_log(bench))


CASES = {
    "streams": streams,
    "signals": signals,
    "signals.early_reload": early_reload,
    "file_size_limit": file_size_limit,
    "state.modes": state_modes,
    "state.of_others": state_of_others,
    "state.planted": planted,
    "state.replaced": state_replaced,
    "state.damaged": state_damaged,
    "state.earlier_versions": state_of_earlier_versions,
    "state.is_not_served": state_is_not_served,
    "replaced_exports": replaced_exports,
    "log.unread": unread_log,
    "log.repeated_lines": repeated_lines,
    "log.unread_error": unread_error,
    "log.escaped_names": escaped_names,
    "output.unread": unread_output,
    "output.full": full_output,
    "pipes_as_files": pipes_as_files,
    "few_descriptors": few_descriptors,
    "user_namespaces": user_namespaces,
}
