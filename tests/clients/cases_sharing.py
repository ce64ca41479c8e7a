"""What one client or one file system may take of the server, while others are served as ever."""

import concurrent.futures
import contextlib
import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

from bench import Bench, await_condition, expect
from cases_ceilings import Client
from cases_rpc import opaque
from cases_surroundings import NFS, OK, WRITE, handle_in, last_log, look_up, mount, number

JUKEBOX, READ_ONLY = 10008, 30
CREATE, FILE_SYNC = 8, 2


class Caller:
    """A TCP connection of a client with an address of its own."""

    def __init__(self, port: int, address: str):
        self.socket = socket.create_connection(("127.0.0.1", port), 10, (address, 0))
        self.xid = 0

    def send(self, procedure: int, arguments: bytes) -> int:
        self.xid += 1
        credential = struct.pack(">IIIII", 0, 0, 1000, 1000, 0)
        header = struct.pack(">IIIIIIII", self.xid, 0, 2, NFS, 3, procedure, 1, len(credential))
        call = header + credential + bytes(8) + arguments
        self.socket.sendall(struct.pack(">I", 0x80000000 | len(call)) + call)
        return self.xid

    def receive(self) -> tuple[int, bytes]:
        """The xid of the next reply, and its results."""
        (size,) = struct.unpack(">I", self._exactly(4))
        reply = self._exactly(size & 0x7FFFFFFF)
        return struct.unpack(">I", reply[:4])[0], reply[24:]

    def call(self, procedure: int, arguments: bytes) -> bytes:
        xid = self.send(procedure, arguments)
        got, results = self.receive()
        expect(got == xid, f"reply to {got} instead of {xid}")
        return results

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            expect(more != b"", "the server has closed the connection")
            data += more
        return data


def create(caller: Caller, directory: bytes, name: str) -> bytes:
    """An UNCHECKED CREATE that everybody may write to; the file's handle as arguments begin with it."""
    how = struct.pack(">IIIIIIII", 0, 1, 0o666, 0, 0, 0, 0, 0)
    results = caller.call(CREATE, directory + opaque(name.encode()) + how)
    expect(number(results) == OK, f"CREATE {name}: {number(results)}")
    return handle_in(results[4:])


def stable_write(file: bytes, offset: int = 0) -> bytes:
    return file + struct.pack(">QII", offset, 1, FILE_SYNC) + opaque(b"x")


@contextlib.contextmanager
def a_file_system_of_its_own(bench: Bench, name: str):
    image, point = bench.directory / f"{name}.img", bench.directory / name
    with image.open("wb") as file:
        file.truncate(64 << 20)
    bench.run("mkfs.ext4", "-q", "-F", image)
    point.mkdir()
    bench.run("mount", "-o", "loop", image, point)
    point.chmod(0o777)
    try:
        yield point
    finally:
        bench.run("umount", "--lazy", point)


def frozen_export(bench: Bench) -> None:
    """A file system that lets no write go on: other exports do not notice, callers who would have to wait are told so."""
    with a_file_system_of_its_own(bench, "frozen") as frozen:
        serve_beside_a_frozen_one(bench, frozen)


def serve_beside_a_frozen_one(bench: Bench, frozen: pathlib.Path) -> None:
    port = bench.serve_by(frozen, bench.export, "--portmap", "off", "--listen", "127.0.0.1:20490", "--workers", "24")
    slow, roots = Caller(port, "127.0.0.2"), [mount(port, path)[1] for path in (frozen, bench.export)]
    file = create(slow, roots[0], "file")
    bench.run("fsfreeze", "-f", frozen)
    try:
        for offset in range(100):
            slow.send(WRITE, stable_write(file, offset))
        other = Caller(port, "127.0.0.3")
        for number_of_file in range(50):
            written = other.call(WRITE, stable_write(create(other, roots[1], f"file {number_of_file}")))
            expect(number(written) == OK, f"WRITE to the other export: {number(written)}")
        expect(mount(port, bench.export)[0] == OK, "MNT of the other export")
        await_condition(lambda: "frozen: no call has returned" in last_log(bench), "the log to tell", 30)
        late = [slow.receive() for _ in range(100 - 14)]
        expect({number(results) for _, results in late} == {JUKEBOX}, "those that waited are told to come later")
        told = time.monotonic()
        for offset in range(50):
            slow.send(WRITE, stable_write(file, offset))
        at_once = [slow.receive() for _ in range(50)]
        expect({number(results) for _, results in at_once} == {JUKEBOX}, "and so are those that come now")
        expect(time.monotonic() - told < 10, "without waiting for the file system")
    finally:
        bench.run("fsfreeze", "-u", frozen)
    went_on = [slow.receive() for _ in range(14)]
    expect({number(results) for _, results in went_on} == {OK}, "those that were there have gone on")
    await_condition(lambda: "frozen: calls return again" in last_log(bench), "the log to tell", 30)
    expect(number(slow.call(WRITE, stable_write(file))) == OK, "WRITE afterwards")


def held_file(bench: Bench) -> None:
    """A client whose calls all wait for one file, which a local process has a lease on: others of the export go on."""
    port = bench.serve_by(bench.export, "--squash", "none", "--portmap", "off", "--listen", "127.0.0.1:20490", "--workers", "12")
    slow, other, root = Caller(port, "127.0.0.2"), Caller(port, "127.0.0.3"), mount(port, bench.export)[1]
    (bench.export / "leased").touch()  # berth must not have it open
    os.chmod(bench.export / "leased", 0o666)
    file = look_up(port, root, "leased")[1]
    previous = signal.signal(signal.SIGIO, signal.SIG_IGN)
    leased = os.open(bench.export / "leased", os.O_RDWR)
    try:
        fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        for offset in range(64):
            slow.send(WRITE, stable_write(file, offset))
        time.sleep(0.3)
        began = time.monotonic()
        for number_of_file in range(10):
            written = other.call(WRITE, stable_write(create(other, root, f"file {number_of_file}")))
            expect(number(written) == OK, f"WRITE to another file: {number(written)}")
        expect(time.monotonic() - began < 5, f"{time.monotonic() - began} s for ten small files")
        fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        answers = {number(slow.receive()[1]) for _ in range(64)}
        expect(answers <= {OK, JUKEBOX}, f"{answers}")
    finally:
        os.close(leased)
        signal.signal(signal.SIGIO, previous)


def ended_while_frozen(bench: Bench) -> None:
    """A call that hangs keeps the process, not what the next server needs: its state and the names in it."""
    with a_file_system_of_its_own(bench, "frozen") as frozen:
        port = bench.serve_by(frozen, bench.export, "--portmap", "off", "--listen", "127.0.0.1:20490")
        slow, root = Caller(port, "127.0.0.2"), mount(port, frozen)[1]
        file = create(slow, root, "file")
        bench.run("fsfreeze", "-f", frozen)
        try:
            slow.send(WRITE, stable_write(file))
            time.sleep(0.5)
            held = bench.ask_last_server_to_stop()
            await_condition(lambda: "calls were still waiting for a disk" in last_log(bench), "the log to tell", 30)
            time.sleep(1)
            expect(held.poll() is None, "the kernel has let the process go: nothing is tried here")
            port = bench.serve_by(bench.export, "--portmap", "off", "--listen", "127.0.0.1:20491")
            expect(mount(port, bench.export)[0] == OK, "MNT of the next server")
        finally:
            bench.run("fsfreeze", "-u", frozen)
        expect(held.wait(30) == 0, "status 0 in the end")
        bench.stop_last_server()


@contextlib.contextmanager
def file_system_that_hangs(bench: Bench):
    """Whoever looks at it waits: nobody serves this FUSE file system."""
    point = bench.directory / "hangs"
    point.mkdir()
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hangs", str(point).encode(), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    try:
        yield point
    finally:
        os.close(device)  # which ends all waits in it
        bench.run("umount", "--lazy", point)


def stopped_while_it_opens(bench: Bench, hangs: pathlib.Path) -> None:
    """SIGTERM ends a server that waits for a file system, and SIGHUP does not."""
    command = [bench.berth, "serve", hangs, "--portmap", "off", "--listen", "127.0.0.1:0"]
    log = bench.directory / "stopped.log"
    with log.open("wb") as err:
        server = subprocess.Popen([*command, "--state", bench.directory / "stopped"], stdout=err, stderr=err)
    try:
        await_condition(lambda: (bench.directory / "stopped/handle.key").exists(), "the server to begin")
        server.send_signal(signal.SIGHUP)
        server.terminate()
        expect(server.wait(4) == 0, "status 0 after SIGTERM")
        expect("stopping: SIGTERM" in log.read_text(), "the log tells")
    finally:
        server.kill()
        server.wait()


def hanging_at_start(bench: Bench) -> None:
    """A directory to be exported does not answer: the log says which, the others are served, SIGTERM ends the server."""
    with file_system_that_hangs(bench) as hangs:
        stopped_while_it_opens(bench, hangs)
        port = bench.serve_by(bench.export, hangs, "--portmap", "off", "--listen", "127.0.0.1:20490")
        expect(f"{hangs} is not exported: its file system does not answer" in last_log(bench), "the log tells")
        expect(mount(port, bench.export)[0] == OK, "MNT of the other one")
        bench.stop_last_server()


def hanging_at_reload(bench: Bench) -> None:
    """The same with SIGHUP: what else has changed takes effect."""
    exports = bench.directory / "exports"
    exports.write_text(f"{bench.export} *(rw,insecure)\n")
    port = bench.serve_by("--exports", exports, "--portmap", "off", "--listen", "127.0.0.1:20490")
    caller, (status, root) = Caller(port, "127.0.0.2"), mount(port, bench.export)
    expect(status == OK, f"MNT: {status}")
    create(caller, root, "file")
    with file_system_that_hangs(bench) as hangs:
        exports.write_text(f"{bench.export} *(ro,insecure)\n{hangs} *(rw,insecure)\n")
        bench.reload(f"{hangs} is not exported: its file system does not answer[^$]*reloaded: 1 export")
        results = caller.call(CREATE, root + opaque(b"another") + bytes(32))
        expect(number(results) == READ_ONLY, f"CREATE where it is read-only now: {number(results)}")
    bench.reload("reloaded: 2 exports")
    bench.stop_last_server()


def file_system_uids(pid: int) -> set[int]:
    """What the threads act as: the last of the four that each has."""
    uids = set()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        uids.add(int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[4]))
    return uids


def identities_are_given_back(bench: Bench) -> None:
    """Users' calls in turns and at once: each file is its user's, and no thread that waits acts as one of them."""
    port = bench.serve("--squash", "none")
    root = mount(port, bench.export)[1]

    def make_files(uid: int) -> None:
        client = Client(port)
        for number in range(200):
            status, made = client.call(CREATE, root + opaque(b"%d.%d" % (uid, number)) + bytes(28), uid)
            expect(status == 0, f"CREATE by {uid}: {status}")

    with concurrent.futures.ThreadPoolExecutor() as users:
        for _ in users.map(make_files, (0, 1000, 1001, 1002)):
            pass
    for file in bench.export.iterdir():
        expect(file.stat().st_uid == int(file.name.split(".")[0]), f"{file.name} is {file.stat().st_uid}'s")
    await_condition(lambda: file_system_uids(bench.last_pid()) == {os.geteuid()}, "threads that act as the server")


CASES = {
    "sharing.identities_are_given_back": identities_are_given_back,
    "sharing.frozen_export": frozen_export,
    "sharing.held_file": held_file,
    "sharing.ended_while_frozen": ended_while_frozen,
    "sharing.hanging_at_start": hanging_at_start,
    "sharing.hanging_at_reload": hanging_at_reload,
}
