"""What the whole server may hold of memory and descriptors: one client asks for far more than there is, and another's calls
go on."""

import itertools
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess

from bench import Bench, await_condition, expect
from cases_rpc import opaque
from cases_surroundings import last_log, mount

NFS = 100003
GETATTR, LOOKUP, READ, CREATE = 1, 3, 6, 8
MEBIBYTE = 1 << 20
PORT = 20490  # where a case must know it beforehand


XIDS = itertools.count(1)


def record(procedure: int, arguments: bytes, uid: int = 0) -> bytes:
    credential = struct.pack(">IIIIIII", 1, 20, 0, 0, uid, uid, 0)
    message = struct.pack(">IIIIII", next(XIDS), 0, 2, NFS, 3, procedure) + credential + bytes(8) + arguments
    return struct.pack(">I", 1 << 31 | len(message)) + message


class Client:
    """Over TCP, from an address of its own."""

    def __init__(self, port: int, address: str = "127.0.0.1", receive_bytes: int = 0):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.bind((address, 0))
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))

    def call(self, procedure: int, arguments: bytes, uid: int = 0) -> tuple[int, bytes]:
        """The status, and what follows it."""
        self.socket.sendall(record(procedure, arguments, uid))
        mark = self._receive(4)
        reply = self._receive(struct.unpack(">I", mark)[0] & 0x7FFFFFFF)
        return struct.unpack(">I", reply[24:28])[0], reply[28:]

    def send_what_fits(self, data: bytes) -> None:
        self.socket.setblocking(False)
        try:
            self.socket.send(data)
        except BlockingIOError:
            pass

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            expect(more != b"", "the connection has been closed")
            data += more
        return bytes(data)


def resident_bytes(bench: Bench) -> int:
    status = pathlib.Path(f"/proc/{bench.last_pid()}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) << 10


def read(file: bytes, count: int) -> bytes:
    return file + struct.pack(">QI", 0, count)


def served(port: int, root: bytes, address: str) -> bytes:
    """Another client's calls; the handle of the file that they read."""
    client = Client(port, address)
    status, found = client.call(LOOKUP, root + opaque(b"data"))
    expect(status == 0, f"LOOKUP {status}")
    file = opaque(found[4 : 4 + struct.unpack(">I", found[:4])[0]])
    for _ in range(10):
        expect(client.call(GETATTR, file)[0] == 0, "GETATTR")
        status, found = client.call(READ, read(file, MEBIBYTE))
        expect(status == 0 and len(found) > MEBIBYTE, f"READ {status}, {len(found)} bytes")
    return file


def memory_of_replies(bench: Bench) -> None:
    port = bench.serve("--memory-max", "16M")
    (bench.export / "data").write_bytes(bytes(MEBIBYTE))
    _, root = mount(port, bench.export)
    file = served(port, root, "127.0.0.2")
    before = resident_bytes(bench)
    greedy = [Client(port, receive_bytes=4096) for _ in range(24)]
    for client in greedy:
        client.send_what_fits(b"".join(record(READ, read(file, MEBIBYTE)) for _ in range(32)))
    await_condition(lambda: "memory is short" in last_log(bench), "the log to say that memory is short")
    served(port, root, "127.0.0.2")
    grown = resident_bytes(bench) - before
    expect(grown < 24 * MEBIBYTE, f"{grown} bytes more than before")
    for client in greedy:
        client.socket.close()
    served(port, root, "127.0.0.1")


def memory_of_half_records(bench: Bench) -> None:
    port = bench.serve("--memory-max", "16M")
    (bench.export / "data").write_bytes(bytes(MEBIBYTE))
    _, root = mount(port, bench.export)
    served(port, root, "127.0.0.2")
    before = resident_bytes(bench)
    half = struct.pack(">I", 1 << 31 | MEBIBYTE) + bytes(MEBIBYTE // 2)
    greedy = [Client(port) for _ in range(100)]
    for client in greedy:
        client.send_what_fits(half)
    await_condition(lambda: "memory is short" in last_log(bench), "the log to say that memory is short")
    served(port, root, "127.0.0.2")
    grown = resident_bytes(bench) - before
    expect(grown < 24 * MEBIBYTE, f"{grown} bytes more than before")
    for client in greedy:
        client.socket.close()


def memory_of_many_addresses(bench: Bench) -> None:
    """Each of many clients holds little, the one whose call waits as much as any: all the same it is answered."""
    port = bench.serve("--memory-max", "16M")
    (bench.export / "data").write_bytes(bytes(MEBIBYTE))
    _, root = mount(port, bench.export)
    for size in (50_000, 60_000):
        client = Client(port, "127.0.0.2")
        expect(client.call(GETATTR, root)[0] == 0, "GETATTR")
        greedy = [Client(port, f"127.0.{1 + number // 200}.{1 + number % 200}") for number in range(400)]
        for one in greedy:
            one.send_what_fits(struct.pack(">I", 1 << 31 | MEBIBYTE) + bytes(size))
        await_condition(lambda: "memory is short" in last_log(bench), "the log to say that memory is short")
        for turn in range(5):
            expect(client.call(GETATTR, root)[0] == 0, f"GETATTR {turn}")
        served(port, root, "127.0.0.3")
        for one in greedy:
            one.socket.close()


def descriptors(bench: Bench) -> None:
    port = bench.serve_by(bench.export, "--squash", "none", by=("prlimit", "--nofile=512:512"))
    (bench.export / "data").write_bytes(bytes(MEBIBYTE))
    for number in range(300):
        (bench.export / f"old{number}").write_text("x")
    _, root = mount(port, bench.export)
    client = Client(port, "127.0.0.2")
    idle = [Client(port) for _ in range(600)]
    for number in range(300):
        status, _ = client.call(LOOKUP, root + opaque(b"old%d" % number))
        expect(status == 0, f"LOOKUP {number}: {status}")
        status, _ = client.call(CREATE, root + opaque(b"new%d" % number) + struct.pack(">IIIIIIII", 0, 1, 0o644, 0, 0, 0, 0, 0))
        expect(status == 0, f"CREATE {number}: {status}")
    served(port, root, "127.0.0.3")
    await_condition(lambda: "as many as are allowed" in last_log(bench), "the log to tell")
    for one in idle:
        one.socket.close()


def idle_connections(bench: Bench) -> None:
    port = bench.serve("--idle-max", "1")
    idle = Client(port)
    expect(idle.call(GETATTR, mount(port, bench.export)[1])[0] == 0, "GETATTR")
    expect(idle.socket.recv(1) == b"", "closed by the server")


def outcome_of_start(bench: Bench, *by) -> tuple[int | None, str]:
    """The exit status, none of a server that serves, and its last line."""
    command = [*by, bench.berth, "serve", bench.export, "--portmap", "off", "--listen", f"127.0.0.1:{PORT}"]
    bench.ports().add(PORT)
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as server:  # fmt: skip
        said = []
        for line in server.stdout:
            said.append(line)
            if line.startswith("mount "):
                expect(mount(PORT, bench.export)[0] == 0, "it says that it serves")
                server.terminate()
                server.communicate(timeout=30)
                return None, ""
        return server.wait(timeout=30), said[-1] if said else ""


def lacks_at_start(bench: Bench, limits) -> None:
    """With less than it needs, the server says what to allow it more of, wherever in its start it notices; given enough, it
    serves."""
    outcomes = []
    for by in limits:
        status, line = outcome_of_start(bench, *by)
        outcomes.append(status)
        expect(status is None or (status in (1, 2) and line.startswith("berth: ") and "ulimit" in line), f"{by}: {status}, {line}")
    expect(outcomes[0] is not None and outcomes[-1] is None, f"first it can't, and last it can: {outcomes}")


def user_without_processes(bench: Bench, uid: int) -> tuple[str, ...]:
    """What runs a command as a user who can run berth here: the limit on threads is a user's."""
    state, berth = bench.directory / "state", bench.directory / "berth"
    state.mkdir()
    os.chown(state, uid, uid)
    shutil.copy(bench.berth, berth)
    bench.berth = berth
    return ("env", f"BERTH_STATE={state}", "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


def threads_at_start(bench: Bench) -> None:
    user = user_without_processes(bench, 54321)
    lacks_at_start(bench, [(*user, "prlimit", f"--nproc={most}") for most in (*range(1, 12), 100)])


def threads_while_serving(bench: Bench) -> None:
    """Without another thread, the exports stay as they were; the server serves on, and ends when it is told to."""
    user = user_without_processes(bench, 54322)
    port = bench.serve_by(bench.export, by=user)
    bench.run(*user, "prlimit", f"--pid={bench.last_pid()}", "--nproc=1:1")
    os.kill(bench.last_pid(), signal.SIGHUP)
    await_condition(lambda: "stay as they were: no more threads" in last_log(bench), "the log to say what lacks")
    expect(mount(port, bench.export)[0] == 0, "MNT after the reload")
    bench.stop_servers()


def memory_at_start(bench: Bench) -> None:
    state = ("env", f"BERTH_STATE={bench.directory / 'state'}", "prlimit")
    lacks_at_start(bench, [(*state, f"--as={most * MEBIBYTE}") for most in (*range(24, 320, 8), 4096)])


CASES = {
    "ceilings.memory_of_replies": memory_of_replies,
    "ceilings.memory_of_half_records": memory_of_half_records,
    "ceilings.memory_of_many_addresses": memory_of_many_addresses,
    "ceilings.descriptors": descriptors,
    "ceilings.idle_connections": idle_connections,
    "ceilings.threads_at_start": threads_at_start,
    "ceilings.threads_while_serving": threads_while_serving,
    "ceilings.memory_at_start": memory_at_start,
}
