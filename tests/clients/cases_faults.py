"""Faults on order, seen on the wire: each condition and each act of a rule, and what `berth fault` says."""

import contextlib
import os
import socket
import struct
import subprocess
import time

from bench import Bench, Failed, await_condition, expect
from cases_command_line import ends
from cases_rpc import opaque

NFS, MOUNT, NLM, NSM = 100003, 100005, 100021, 100024
NULL, GETATTR, SETATTR, LOOKUP, ACCESS, READ, WRITE, CREATE, REMOVE, RENAME, COMMIT = 0, 1, 2, 3, 4, 6, 7, 8, 12, 14, 21
OK, NOENT, IO, NOSPC, ROFS, STALE, JUKEBOX = 0, 2, 5, 28, 30, 70, 10008
SOON = 0.4  # what has not come by then does not come


class Wire:
    """A client that sends what it is told, over one socket; replies are those of a call's xid, without it."""

    def __init__(self, port: int, transport: str = "udp", uid: int = 0, machine: bytes = b"wire", source: tuple = ("127.0.0.1", 0)):
        self._is_tcp = transport == "tcp"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM if self._is_tcp else socket.SOCK_DGRAM)
        self.socket.bind(source)
        self.socket.connect(("127.0.0.1", port))
        credential = struct.pack(">I", 0) + opaque(machine) + struct.pack(">III", uid, 0, 0)
        self._user = struct.pack(">I", 1) + opaque(credential) + b"\0" * 8
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, procedure: int, arguments: bytes = b"", program: int = NFS, version: int = 3, xid: bytes = b"") -> bytes:
        xid = xid or os.urandom(4)
        call = xid + struct.pack(">IIIII", 0, 2, program, version, procedure) + self._user + arguments
        self.socket.sendall(struct.pack(">I", 1 << 31 | len(call)) + call if self._is_tcp else call)
        return xid

    def receive(self, seconds: float = 10) -> bytes | None:
        """The next message; None if none comes, b"" if the connection has ended."""
        self.socket.settimeout(seconds)
        try:
            if not self._is_tcp:
                return self.socket.recv(65536)
            message, is_last = b"", False
            while not is_last:
                while len(self._rest) < 4 or len(self._rest) < 4 + (struct.unpack(">I", self._rest[:4])[0] & 0x7FFFFFFF):
                    more = self.socket.recv(65536)
                    if not more:
                        return b""
                    self._rest += more
                mark = struct.unpack(">I", self._rest[:4])[0]
                end, is_last = 4 + (mark & 0x7FFFFFFF), mark >> 31 == 1
                message, self._rest = message + self._rest[4:end], self._rest[end:]
        except TimeoutError:
            return None
        except ConnectionError:
            return b""
        return message

    def call(self, procedure: int, arguments: bytes = b"", seconds: float = 10, **how) -> bytes | None:
        """The reply without the xid."""
        xid = self.send(procedure, arguments, **how)
        reply = self.receive(seconds)
        if reply:
            expect(reply[:4] == xid, f"a reply to another call: {reply.hex()}")
            return reply[4:]
        return reply

    def status(self, procedure: int, arguments: bytes = b"", **how) -> int | None:
        """The status of the program; None if there is no answer."""
        reply = self.call(procedure, arguments, **how)
        if not reply:
            return None
        expect(reply[:20] == struct.pack(">IIIII", 1, 0, 0, 0, 0), f"no success: {reply.hex()}")
        return struct.unpack(">I", reply[20:24])[0]


def handle_of(wire: Wire, path) -> bytes:
    reply = wire.call(1, opaque(os.fsencode(path)), program=MOUNT)
    expect(reply is not None and reply[20:24] == b"\0\0\0\0", f"no mount of {path}: {reply}")
    return opaque(reply[28 : 28 + struct.unpack(">I", reply[24:28])[0]])


def looked_up(wire: Wire, directory: bytes, name: str) -> bytes:
    reply = wire.call(LOOKUP, directory + opaque(name.encode()))
    expect(reply is not None and reply[20:24] == b"\0\0\0\0", f"no {name}: {reply}")
    return opaque(reply[28 : 28 + struct.unpack(">I", reply[24:28])[0]])


@contextlib.contextmanager
def serving(bench: Bench, *rules: str, transport: str = "udp", files=("a.db", "b.txt", "c")):
    """A server with these rules, a client of it, and the handles of its export and of the files in it."""
    for name in files:
        (bench.export / name).write_bytes(b"x" * 100)
    options = [word for rule in rules for word in ("--fault", rule)]
    port = bench.serve_by(bench.export, "--squash", "none", "--portmap", "off", "--listen", ":0", *options)
    with Wire(port) as asking, Wire(port, transport) as wire:
        wire.port = port
        root = handle_of(asking, bench.export)
        yield wire, root, {name: looked_up(asking, root, name) for name in files}
    bench.stop_servers()


def fault(bench: Bench, *arguments: str, status: int = 0, says: str = "") -> str:
    return ends(bench, "fault", *arguments, "--state", bench.directory / "state", status=status, says=says)


def named(directory: bytes, name: str) -> bytes:
    return directory + opaque(name.encode())


def lost_reply(bench: Bench) -> None:
    """Executed, not answered: the second copy gets the remembered reply, and the name moves once."""
    for transport in ("udp", "tcp"):
        with serving(bench, "RENAME first=1 drop=reply", transport=transport) as (wire, root, _):
            arguments = named(root, "a.db") + named(root, f"moved-{transport}")
            xid = wire.send(RENAME, arguments)
            expect(wire.receive(SOON) is None, "the reply came")
            expect((bench.export / f"moved-{transport}").exists(), "it was not executed")
            expect(wire.status(RENAME, arguments, xid=xid) == OK, "the copy is no success")
            expect(wire.status(RENAME, arguments) == NOENT, "a new call is no copy")


def dropped_call(bench: Bench) -> None:
    with serving(bench, "REMOVE first=1 drop=call") as (wire, root, _):
        xid = wire.send(REMOVE, named(root, "a.db"))
        expect(wire.receive(SOON) is None, "the reply came")
        expect((bench.export / "a.db").exists(), "it was executed")
        expect(wire.status(REMOVE, named(root, "a.db"), xid=xid) == OK, "the copy does not run")
        expect(not (bench.export / "a.db").exists(), "the copy was not executed")


STATUSES = {
    "NFS3ERR": {
        "PERM": 1, "NOENT": 2, "IO": 5, "NXIO": 6, "ACCES": 13, "EXIST": 17, "XDEV": 18, "NODEV": 19, "NOTDIR": 20, "ISDIR": 21,
        "INVAL": 22, "FBIG": 27, "NOSPC": 28, "ROFS": 30, "MLINK": 31, "NAMETOOLONG": 63, "NOTEMPTY": 66, "DQUOT": 69, "STALE": 70,
        "REMOTE": 71, "BADHANDLE": 10001, "NOT_SYNC": 10002, "BAD_COOKIE": 10003, "NOTSUPP": 10004, "TOOSMALL": 10005,
        "SERVERFAULT": 10006, "BADTYPE": 10007, "JUKEBOX": 10008,
    },
    "MNT3ERR": {"PERM": 1, "NOENT": 2, "IO": 5, "ACCES": 13, "NOTDIR": 20, "INVAL": 22, "NAMETOOLONG": 63, "NOTSUPP": 10004,
                "SERVERFAULT": 10006},
    "NLM4": {"GRANTED": 0, "DENIED": 1, "DENIED_NOLOCKS": 2, "BLOCKED": 3, "DENIED_GRACE_PERIOD": 4, "DEADLCK": 5, "ROFS": 6,
             "STALE_FH": 7, "FBIG": 8, "FAILED": 9},
}  # fmt: skip


def statuses(bench: Bench) -> None:
    """Every status by its name, in results of the right form, and nothing is executed."""
    with serving(bench) as (wire, root, files):
        new = named(root, "new") + struct.pack(">I", 0) + b"\0" * 24
        for name, value in STATUSES["NFS3ERR"].items():
            fault(bench, "add", f"NFS !NULL name=s status=NFS3ERR_{name}")
            expect(wire.call(NULL) == struct.pack(">IIIII", 1, 0, 0, 0, 0), "NULL has a status")
            failed = struct.pack(">IIIIII", 1, 0, 0, 0, 0, value)
            for procedure, arguments, rest in (
                (GETATTR, root, b""), (LOOKUP, named(root, "c"), b"\0" * 4), (READ, files["c"] + b"\0" * 12, b"\0" * 4),
                (CREATE, new, b"\0" * 8), (RENAME, named(root, "c") + named(root, "d"), b"\0" * 16),
            ):  # fmt: skip
                reply = wire.call(procedure, arguments)
                expect(reply == failed + rest, f"{name} of procedure {procedure}: {reply}")
            fault(bench, "remove", "s")
        expect((bench.export / "c").exists() and not (bench.export / "new").exists(), "something was executed")
        for name, value in STATUSES["MNT3ERR"].items():
            fault(bench, "add", f"MNT name=s status=MNT3ERR_{name}")
            expect(wire.status(1, opaque(os.fsencode(bench.export)), program=MOUNT) == value, f"MNT with {name}")
            fault(bench, "remove", "s")
        lock = opaque(b"cook") + struct.pack(">II", 0, 1) + opaque(b"host") + files["c"] + opaque(b"o") + struct.pack(">iQQii", 1, 0, 0, 0, 0)
        for name, value in STATUSES["NLM4"].items():
            fault(bench, "add", f"NLM.LOCK name=s status=NLM4_{name}")
            reply = wire.call(2, lock, program=NLM, version=4)
            expect(reply == struct.pack(">IIIII", 1, 0, 0, 0, 0) + opaque(b"cook") + struct.pack(">I", value), f"LOCK {name}: {reply}")
            fault(bench, "remove", "s")
        ends(bench, "locks", "--state", bench.directory / "state", status=0, says="no locks")


def refusals(bench: Bench) -> None:
    """Each way in which RFC 5531 refuses and denies."""
    accepted = {"PROG_UNAVAIL": 1, "PROG_MISMATCH": 2, "PROC_UNAVAIL": 3, "GARBAGE_ARGS": 4, "SYSTEM_ERR": 5}
    denied = {"AUTH_BADCRED": 1, "AUTH_REJECTEDCRED": 2, "AUTH_BADVERF": 3, "AUTH_REJECTEDVERF": 4, "AUTH_TOOWEAK": 5,
              "AUTH_INVALIDRESP": 6, "AUTH_FAILED": 7, "RPCSEC_GSS_CREDPROBLEM": 13, "RPCSEC_GSS_CTXPROBLEM": 14}  # fmt: skip
    with serving(bench) as (wire, root, _):
        for name, value in accepted.items():
            fault(bench, "add", f"GETATTR name=r refuse={name}")
            reply = wire.call(GETATTR, root)
            rest = struct.pack(">II", 1, 1) if name == "PROG_MISMATCH" else b""
            expect(reply == struct.pack(">IIIII", 1, 0, 0, 0, value) + rest, f"{name}: {reply}")
            fault(bench, "remove", "r")
        for name, value in denied.items():
            fault(bench, "add", f"GETATTR name=r deny={name}")
            expect(wire.call(GETATTR, root) == struct.pack(">IIII", 1, 1, 1, value), name)
            fault(bench, "remove", "r")
        fault(bench, "add", "GETATTR deny=RPC_MISMATCH")
        expect(wire.call(GETATTR, root) == struct.pack(">IIIII", 1, 1, 0, 2, 2), "RPC_MISMATCH")


def took(wire: Wire, procedure: int, arguments: bytes) -> float:
    began = time.monotonic()
    expect(wire.status(procedure, arguments) == OK, "a delayed call fails")
    return time.monotonic() - began


def delays(bench: Bench) -> None:
    """Fixed, between two times, around a time; other calls do not wait meanwhile."""
    rules = ("GETATTR path=*.db delay=300ms", "GETATTR path=b.txt delay=100ms..400ms seed=7", "GETATTR path=c delay=300ms~20ms seed=7")
    for transport in ("udp", "tcp"):
        with serving(bench, *rules, transport=transport) as (wire, root, files):
            expect(0.3 <= took(wire, GETATTR, files["a.db"]) < 0.6, "a fixed delay")
            uniform = [took(wire, GETATTR, files["b.txt"]) for _ in range(6)]
            expect(all(0.1 <= one < 0.7 for one in uniform) and max(uniform) - min(uniform) > 0.05, f"uniform: {uniform}")
            normal = [took(wire, GETATTR, files["c"]) for _ in range(6)]
            expect(all(0.15 <= one < 0.6 for one in normal), f"normal: {normal}")
            xid = wire.send(GETATTR, files["a.db"])
            other = wire.send(GETATTR, root)
            expect(wire.receive()[:4] == other, "another call waits for a delayed one")
            expect(wire.receive()[:4] == xid, "the delayed one is lost")


def held(bench: Bench) -> None:
    """Until it is released, or taken away."""
    for transport in ("udp", "tcp"):
        for word in ("release", "remove"):
            with serving(bench, "REMOVE name=hold delay=held", transport=transport) as (wire, root, _):
                xid = wire.send(REMOVE, named(root, "a.db"))
                expect(wire.receive(SOON) is None and (bench.export / "a.db").exists(), "it was not held")
                expect("hold: 1 hit, holds them: REMOVE name=hold delay=held" in fault(bench, "list"), "list does not show it")
                fault(bench, word, "hold")
                reply = wire.receive()
                expect(reply is not None and reply[:4] == xid and not (bench.export / "a.db").exists(), "it does not go on")
                fault(bench, "release", "hold", status=0 if word == "release" else 1)
    # A call goes on whose client has gone.
    with serving(bench, "REMOVE name=hold delay=held", transport="tcp") as (wire, root, _):
        for name in ("a.db", "b.txt", "c"):
            with Wire(wire.port, "tcp") as gone:
                gone.send(REMOVE, named(root, name))
                expect(gone.receive(0.1) is None, "it was not held")
        fault(bench, "release", "hold")
        await_condition(lambda: not list(bench.export.iterdir()), "the held calls to run")
        expect(wire.status(GETATTR, root) == OK, "another client is not answered")
    # A server that ends does not wait for anybody.
    with serving(bench, "REMOVE delay=held") as (wire, root, _):
        wire.send(REMOVE, named(root, "a.db"))
        expect(wire.receive(SOON) is None, "it was not held")


def jukebox(bench: Bench) -> None:
    """Each call is told twice to come later, whatever its xid, and then runs."""
    with serving(bench, "READ,REMOVE jukebox=2") as (wire, root, files):
        for arguments in (files["a.db"] + struct.pack(">QI", 0, 10), files["a.db"] + struct.pack(">QI", 10, 10)):
            got = [wire.status(READ, arguments) for _ in range(3)]
            expect(got == [JUKEBOX, JUKEBOX, OK], f"READ: {got}")
        got = [wire.status(REMOVE, named(root, "c")) for _ in range(4)]
        expect(got == [JUKEBOX, JUKEBOX, OK, JUKEBOX], f"REMOVE: {got}")


def replies(bench: Bench) -> None:
    """Twice, late, and a connection that ends instead; the call has run each time."""
    for transport in ("udp", "tcp"):
        with serving(bench, "ACCESS twice=reply", "REMOVE late=300ms", transport=transport) as (wire, root, files):
            xid = wire.send(ACCESS, files["c"] + struct.pack(">I", 1))
            first, second = wire.receive(), wire.receive()
            expect(first == second and first[:4] == xid, f"not twice: {first} {second}")
            expect(wire.receive(SOON) is None, "three times")
            began = time.monotonic()
            wire.send(REMOVE, named(root, "a.db"))
            await_condition(lambda: not (bench.export / "a.db").exists(), "REMOVE to run")
            expect(time.monotonic() - began < 0.3, "it runs late")
            expect(wire.receive() and time.monotonic() - began >= 0.3, "the reply is not late")
    with serving(bench, "REMOVE close=reply", "ACCESS close=call", transport="tcp") as (wire, root, files):
        wire.send(REMOVE, named(root, "a.db"))
        expect(wire.receive() == b"", "the connection did not end")
        expect(not (bench.export / "a.db").exists(), "it has not run")
        with Wire(wire.port, "tcp") as other:
            other.send(ACCESS, files["c"] + struct.pack(">I", 1))
            expect(other.receive() == b"", "the connection did not end at the call")
        with Wire(wire.port, "tcp") as other:
            expect(other.status(GETATTR, root) == OK, "another connection does not work")


def stream(wire: Wire) -> bytes:
    """Everything that comes until the connection ends, or until nothing comes any more."""
    wire.socket.settimeout(SOON)
    got = b""
    try:
        while more := wire.socket.recv(65536):
            got += more
    except TimeoutError:
        pass
    return got


def records(bench: Bench) -> None:
    """The reply's record in fragments, in segments, cut off, slow, behind the next one; calls that are read slowly."""
    range_of_all = struct.pack(">QI", 0, 100)
    with serving(bench, "READ fragments=5", transport="tcp") as (wire, root, files):
        with Wire(wire.port) as plain:
            whole = plain.call(READ, files["c"] + range_of_all)
        for _ in range(2):
            xid = wire.send(READ, files["c"] + range_of_all)
            got, lengths, message = stream(wire), [], b""
            while got:
                mark = struct.unpack(">I", got[:4])[0]
                lengths.append((mark >> 31, mark & 0x7FFFFFFF))
                message += got[4 : 4 + lengths[-1][1]]
                got = got[4 + lengths[-1][1] :]
            expect([last for last, _ in lengths] == [0, 0, 0, 0, 1], f"the marks: {lengths}")
            expect(max(size for _, size in lengths) - min(size for _, size in lengths) <= 1, f"the lengths: {lengths}")
            expect(message[:4] == xid and len(message) == 4 + len(whole) and message[-100:] == b"x" * 100, "another message")
        expect(wire.status(GETATTR, root) == OK, "what follows is wrong")
    with serving(bench, "READ segments=1", transport="tcp") as (wire, root, files):
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        before = segments_in(wire)
        expect(wire.call(READ, files["c"] + range_of_all)[-100:] == b"x" * 100, "another reply in segments")
        expect(segments_in(wire) - before == 8 + len(whole), f"{segments_in(wire) - before} segments of {len(whole)} bytes")
        both = [wire.send(READ, files["c"] + range_of_all)]
        wire.socket.recv(1, socket.MSG_PEEK)  # it has been begun
        both.append(wire.send(GETATTR, root))
        expect([wire.receive()[:4], wire.receive()[:4]] == both, "another order")
    for rule, expected in (("cut=10", 10), ("cut=half", (8 + len(whole)) // 2), ("cut=0", 0), ("cut=1M", 8 + len(whole))):
        with serving(bench, f"READ {rule}", transport="tcp") as (wire, root, files):
            wire.send(READ, files["c"] + range_of_all)
            got = stream(wire)
            expect(len(got) == expected, f"{rule}: {len(got)} bytes, not {expected}")
            expect(wire.socket.recv(1) == b"", f"{rule}: the connection goes on")
    for rule in ("READ cut=half reset=reply", "READ reset=reply", "READ reset=call"):
        with serving(bench, rule, transport="tcp") as (wire, root, files):
            wire.send(READ, files["c"] + range_of_all)
            try:
                got = stream(wire)
                raise Failed(f"{rule}: {len(got)} bytes, and no reset")
            except ConnectionResetError:
                pass
            with Wire(wire.port, "tcp") as other:
                expect(other.status(GETATTR, root) == OK, "another connection does not work")
    with serving(bench, "READ rate=500", transport="tcp") as (wire, root, files):
        began = time.monotonic()
        both = [wire.send(READ, files["c"] + range_of_all)]
        wire.socket.recv(1, socket.MSG_PEEK)  # it has been begun
        both.append(wire.send(GETATTR, root))
        expect([wire.receive()[:4], wire.receive()[:4]] == both, "another order")
        expect(0.7 * len(whole) / 500 <= time.monotonic() - began < 3, f"{len(whole)} bytes in {time.monotonic() - began} s")
    with serving(bench, "READ read-rate=1000", transport="tcp") as (wire, root, files):
        expect(took(wire, GETATTR, root) < 0.3, "slow before the rule has hit")
        expect(wire.status(READ, files["c"] + range_of_all) == OK, "READ fails")
        expect(took(wire, WRITE, files["c"] + struct.pack(">QIII", 0, 1000, 2, 1000) + b"y" * 1000) > 0.8, "1000 bytes are read at once")
        with Wire(wire.port, "tcp") as other:
            expect(took(other, GETATTR, root) < 0.3, "another connection is slow")
    with serving(bench, "READ first=1 behind=next", "LOOKUP behind=next", transport="tcp") as (wire, root, files):
        first = wire.send(READ, files["c"] + range_of_all)
        expect(wire.receive(SOON) is None, "the reply came at once")
        second = wire.send(GETATTR, root)
        expect((wire.receive()[:4], wire.receive()[:4]) == (second, first), "another order")
        third = wire.send(LOOKUP, named(root, "c"))
        wire.socket.shutdown(socket.SHUT_WR)
        expect(wire.receive()[:4] == third and wire.receive() == b"", "a reply that nothing can follow is lost")
    with serving(bench, "READ behind=next cut=half", transport="tcp") as (wire, root, files):
        wire.send(READ, files["c"] + range_of_all)
        expect(wire.receive(SOON) is None, "the reply came at once")
        second = wire.send(GETATTR, root)
        got = stream(wire)
        whole_first = 4 + (struct.unpack(">I", got[:4])[0] & 0x7FFFFFFF)
        expect(got[4:8] == second and len(got) - whole_first == (8 + len(whole)) // 2, f"behind the next, half of it: {len(got)}")


def segments_in(wire: Wire) -> int:
    """How many segments with data this connection has received (tcpi_data_segs_in, linux/tcp.h)."""
    offset = 152
    return struct.unpack_from("=I", wire.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), offset)[0]


def odd_records_of_many(bench: Bench) -> None:
    """Replies in every manner, by workers and network threads, of clients that read slowly: each comes once, and whole."""
    rules = ("READ every=3 fragments=7", "READ after=1 every=3 segments=50", "GETATTR every=5 behind=next", "WRITE every=2 rate=20K",
             "ACCESS every=4 late=5ms", "COMMIT fragments=3 segments=9 rate=5K")  # fmt: skip
    with serving(bench, *rules, transport="tcp") as (wire, root, files):
        (bench.export / "c").write_bytes(b"x" * 60_000)
        # Nothing of these makes a copy, so each call has one reply.
        sent = []
        for turn in range(300):
            for procedure, arguments in (
                (READ, files["c"] + struct.pack(">QI", turn * 7, 20_000 if turn % 50 == 0 else 500)), (GETATTR, root),
                (WRITE, files["a.db"] + struct.pack(">QIII", 0, 4, turn % 3, 4) + b"data"), (ACCESS, root + struct.pack(">I", 1)),
            ):  # fmt: skip
                sent.append(wire.send(procedure, arguments))
            if turn % 30 == 0:
                sent.append(wire.send(21, files["a.db"] + bytes(12)))
        wire.send(NULL)
        got = {}
        for _ in range(len(sent) + 1):
            reply = wire.receive(30)
            expect(bool(reply) and reply[4:24] == struct.pack(">IIIII", 1, 0, 0, 0, 0), f"after {len(got)}: {reply}")
            got[reply[:4]] = got.get(reply[:4], 0) + 1
        expect(all(got.get(xid) == 1 for xid in sent), f"{len(sent)} calls, {sum(got.get(xid, 0) for xid in sent)} replies")
        expect(wire.receive(SOON) is None, "one more reply")


def wrote(wire: Wire, file: bytes, offset: int, size: int) -> int:
    return wire.status(WRITE, file + struct.pack(">QII", offset, size, 2) + opaque(b"y" * size))


def acts_on_exports(bench: Bench) -> None:
    """Full after so many bytes, read-only, gone for a while: one export of two."""
    other = bench.directory / "other"
    other.mkdir(mode=0o777)
    (other / "c").write_bytes(b"x" * 100)
    for rule, expected in (
        ("after-bytes=1000 status=NFS3ERR_NOSPC", [OK, OK, NOSPC, OK, NOSPC]),
        ("after-bytes=1000 per=file status=NFS3ERR_DQUOT", [OK, OK, 69, OK, 69]),
        ("after-bytes=0 status=NFS3ERR_NOSPC", [NOSPC] * 5),
    ):
        with serving(bench, f"WRITE {rule}") as (wire, root, files):
            got = [wrote(wire, files["a.db"], 0, size) for size in (400, 500, 200, 100, 1)]
            expect(got == expected, f"{rule}: {got}")
            expect((wrote(wire, files["c"], 0, 1) == OK) == ("per=file" in rule), f"{rule}: another file")
            expect(wire.status(READ, files["a.db"] + struct.pack(">QI", 0, 5000)) == OK, f"{rule}: READ is hit")
    new = struct.pack(">I", 0) + b"\0" * 24
    handles = {}
    port = bench.serve_by(bench.export, other, "--squash", "none", "--portmap", "off", "--listen", ":0")
    with Wire(port) as wire:
        for path in (bench.export, other):
            root = handle_of(wire, path)
            handles[path] = (root, looked_up(wire, root, "c"))

        def outcomes(path) -> tuple:
            root, file = handles[path]
            return (wire.status(1, opaque(os.fsencode(path)), program=MOUNT), wire.status(GETATTR, root), wrote(wire, file, 0, 5),
                    wire.status(CREATE, named(root, "new") + new), wire.status(SETATTR, file + b"\0" * 28),
                    wire.status(COMMIT, file + b"\0" * 12), wire.status(RENAME, named(root, "new") + named(root, "new")))  # fmt: skip

        good = (OK,) * 7
        for rule, expected in (
            ("read-only=yes", (OK, OK, ROFS, ROFS, ROFS, OK, ROFS)), ("gone=yes", (NOENT,) + (STALE,) * 6),
            ("gone=yes until=300ms since=added", None),
        ):  # fmt: skip
            fault(bench, "add", f"name=e export={other} {rule}")
            if expected is None:
                expect(outcomes(other)[0] == NOENT, "it is there")
                await_condition(lambda: outcomes(other) == good, "it to come back")
            else:
                expect(outcomes(other) == expected, f"{rule}: {outcomes(other)}")
            expect(outcomes(bench.export) == good, f"{rule}: {outcomes(bench.export)} of the other export")
            fault(bench, "remove", "e")
            expect(outcomes(other) == good, f"after {rule}: {outcomes(other)}")
        fault(bench, "add", f"MNT path={other} status=MNT3ERR_ACCES")
        got = [wire.status(1, opaque(os.fsencode(path)), program=MOUNT) for path in (bench.export, other)]
        expect(got == [OK, 13], f"a condition on the path of MNT: {got}")


def acts_on_locks(bench: Bench) -> None:
    """A grace period, and a crash, on command: what LOCK is told, what the state number is, and who has locks then."""

    def lock(wire: Wire, file: bytes, reclaim: int = 0, offset: int = 0) -> int:
        exclusive = struct.pack(">ii", 0, 1)
        who = opaque(b"host") + file + opaque(b"o") + struct.pack(">iQQ", 1, offset, 1)
        reply = wire.call(2, opaque(b"cook") + exclusive + who + struct.pack(">ii", reclaim, 3), program=NLM, version=4)
        expect(reply[:20] == struct.pack(">IIIII", 1, 0, 0, 0, 0), f"LOCK: {reply}")
        return struct.unpack(">I", reply[-4:])[0]

    def state(wire: Wire) -> int:
        reply = wire.call(1, opaque(b"host"), program=NSM, version=1)
        return struct.unpack(">i", reply[-4:])[0]

    granted, denied_in_grace = 0, 4
    with serving(bench) as (wire, _, files):
        expect(lock(wire, files["c"]) == granted, "LOCK")
        fault(bench, "grace", "600", says="a grace period of 600 s begins")
        expect(lock(wire, files["c"], offset=5) == denied_in_grace, "LOCK in the grace period")
        expect(lock(wire, files["c"], reclaim=1, offset=6) == granted, "a reclaim in the grace period")
        fault(bench, "grace", "0", says="no grace period any more")
        expect(lock(wire, files["c"], offset=5) == granted, "LOCK after the grace period")
        fault(bench, "grace", "1")
        await_condition(lambda: lock(wire, files["c"], offset=7) == granted, "the grace period to end")
        before = state(wire)
        fault(bench, "crash-locks", says="all locks are lost")
        locks = ends(bench, "locks", "--state", bench.directory / "state", status=0, says="")
        expect(locks == "no locks\n", f"after the crash: {locks}")
        expect(state(wire) > before and state(wire) % 2 == 1, f"the state number: {before}, then {state(wire)}")
        with Wire(wire.port, source=("127.0.0.5", 0)) as other:
            expect(lock(other, files["c"]) == denied_in_grace, "another client's LOCK before the reclaim")
        expect(lock(wire, files["c"], reclaim=1) == granted, "the reclaim")
    fault(bench, "grace", "x", status=2, says="expected a number from 0 to 3600")


def other_source(bench: Bench) -> None:
    """A reply over UDP from another address of the machine than the one that was asked."""
    with serving(bench, "GETATTR source=127.0.0.9", "READ source=192.0.2.200", "ACCESS source=127.0.0.9 late=100ms") as (wire, root, files):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, Wire(wire.port) as asking:
            asking.socket = client
            client.bind(("127.0.0.1", 0))
            client.settimeout(5)
            for procedure, arguments, source in (
                (GETATTR, root, "127.0.0.9"), (LOOKUP, named(root, "c"), "127.0.0.1"), (ACCESS, root + b"\0" * 4, "127.0.0.9"),
            ):  # fmt: skip
                xid = os.urandom(4)
                call = xid + struct.pack(">IIIII", 0, 2, NFS, 3, procedure) + wire._user + arguments
                client.sendto(call, ("127.0.0.1", wire.port))
                reply, (address, port) = client.recvfrom(65536)
                expect(reply[:4] == xid and (address, port) == (source, wire.port), f"{procedure}: from {address}:{port}")
        expect(wire.call(READ, files["c"] + struct.pack(">QI", 0, 9), seconds=SOON) is None, "from an address that is not there")


def hits(wire: Wire, count: int, arguments: bytes, procedure: int = GETATTR) -> str:
    """A letter for each of so many calls: h if it was hit (status IO)."""
    return "".join("h" if wire.status(procedure, arguments) == IO else "." for _ in range(count))


def selections(bench: Bench) -> None:
    """Which of the calls are hit."""
    for words, expected in (
        ("first=2", "hh........"), ("every=3", "..h..h..h."), ("after=4", "....hhhhhh"), ("after=2 every=2 first=2", "...h.h...."),
        ("probability=1", "hhhhhhhhhh"), ("", "hhhhhhhhhh"),
    ):  # fmt: skip
        with serving(bench, f"GETATTR {words} status=NFS3ERR_IO") as (wire, root, _):
            got = hits(wire, 10, root)
            expect(got == expected, f"{words}: {got}")
    with serving(bench, "GETATTR per=file every=2 status=NFS3ERR_IO") as (wire, root, files):
        got = "".join(hits(wire, 1, files[name]) for name in ("a.db", "c", "a.db", "a.db", "c", "c"))
        expect(got == "..h.h.", f"per=file: {got}")
    with serving(bench, "GETATTR per=client first=1 status=NFS3ERR_IO") as (wire, root, _):
        with Wire(wire.port, source=("127.0.0.2", 0)) as other:
            got = hits(wire, 2, root) + hits(other, 2, root)
        expect(got == "h.h.", f"per=client: {got}")
    with serving(bench, "GETATTR until=1s since=added status=NFS3ERR_IO", "GETATTR from=1s until=2s status=NFS3ERR_JUKEBOX") as (wire, root, _):
        seen = []
        began = time.monotonic()
        while time.monotonic() - began < 3:
            seen.append(wire.status(GETATTR, root))
            time.sleep(0.05)
        phases = [status for at, status in enumerate(seen) if at == 0 or status != seen[at - 1]]
        expect(phases == [IO, JUKEBOX, OK], f"windows of time: {phases}")


def seeds(bench: Bench) -> None:
    """The same seed, the same events; without one, the server says which it took."""
    runs = []
    for words in ("seed=1", "seed=1", "seed=2"):
        with serving(bench, f"GETATTR probability=0.3 {words} status=NFS3ERR_IO") as (wire, root, _):
            runs.append(hits(wire, 200, root))
    expect(runs[0] == runs[1], "the same seed, but other events")
    expect(runs[0] != runs[2], "another seed, but the same events")
    expect(30 < runs[0].count("h") < 90, f"not three of ten: {runs[0].count('X')}")
    with serving(bench, "GETATTR probability=0.3 name=p status=NFS3ERR_IO") as (wire, root, _):
        first = hits(wire, 100, root)
        taken = fault(bench, "list").split("seed=")[1].split()[0]
        fault(bench, "clear")
        fault(bench, "add", f"GETATTR probability=0.3 seed={taken} status=NFS3ERR_IO")
        expect(hits(wire, 100, root) == first, "the seed that was told gives other events")


def conditions(bench: Bench) -> None:
    """Every condition, as it is and denied."""
    (bench.export / "dir").mkdir()
    (bench.export / "dir" / "deep.db").write_text("x")
    with serving(bench, files=("a.db", "b.txt")) as (wire, root, files):
        deep = looked_up(wire, looked_up(wire, root, "dir"), "deep.db")

        def is_hit(rule: str, procedure: int = GETATTR, arguments: bytes = root, via: Wire = wire, **how) -> bool:
            fault(bench, "add", f"{rule} name=c refuse=SYSTEM_ERR")
            reply = via.call(procedure, arguments, **how)
            fault(bench, "remove", "c")
            return reply[:20] == struct.pack(">IIIII", 1, 0, 0, 0, 5)

        def expect_hit(expected: bool, rule: str, *arguments, **how) -> None:
            expect(is_hit(rule, *arguments, **how) == expected, f"{rule}: {'not hit' if expected else 'hit'}")

        for rule in ("*", "NFS", "nfs", "GETATTR", "getattr", "NFS.GETATTR", "READ,GETATTR", "!READ", "!MOUNT,READ", "* !READ"):
            expect_hit(True, rule)
        for rule in ("READ", "MOUNT", "!GETATTR", "!NFS", "NFS !GETATTR", "NLM.LOCK"):
            expect_hit(False, rule)
        expect_hit(True, "MOUNT.NULL", NULL, b"", program=MOUNT)
        expect_hit(False, "MOUNT.NULL", NULL, b"")
        expect_hit(True, "MOUNT version=3", NULL, b"", program=MOUNT)
        expect_hit(False, "MOUNT version=1-2", NULL, b"", program=MOUNT)
        with Wire(wire.port, "tcp", uid=1234, machine=b"build-7.lab", source=("127.0.0.5", 0)) as other:
            port = other.socket.getsockname()[1]
            for condition in (
                "client=127.0.0.5", "client=127.0.0.4/30", "client=10.0.0.0/8,127.0.0.5", f"port={port}", f"port=1-1000,{port}-{port}",
                "machine=build-*.lab", "uid=1234", "uid=1000-1999", "uid=5,1234", "gid=0", "transport=tcp",
            ):  # fmt: skip
                expect_hit(True, f"GETATTR {condition}", via=other)
                expect_hit(False, f"GETATTR !{condition}", via=other)
                if condition != "gid=0":
                    expect_hit(False, f"GETATTR {condition}")
                    expect_hit(True, f"GETATTR !{condition}")
        here = bench.export
        for condition, hit, missed in (
            (f"export={here}", files["a.db"], None), ("path=*.db", files["a.db"], files["b.txt"]), ("path=*.db", deep, root),
            (f"path={here}/dir/*", deep, files["a.db"]), (f"path={here}/*.db", deep, files["b.txt"]), (f"path={here}", root, deep),
            ("path=*/dir/deep.db", deep, files["a.db"]), (f"handle={files['a.db'][4:].rstrip(bytes(1)).hex()}", files["a.db"], files["b.txt"]),
        ):  # fmt: skip
            expect_hit(True, f"GETATTR {condition}", GETATTR, hit)
            expect_hit(False, f"GETATTR !{condition}", GETATTR, hit)
            if missed:
                expect_hit(False, f"GETATTR {condition}", GETATTR, missed)
        expect_hit(False, "GETATTR export=/elsewhere")
        expect_hit(True, "LOOKUP path=no*", LOOKUP, named(root, "not-there"))
        expect_hit(True, f"LOOKUP path={here}/not-there", LOOKUP, named(root, "not-there"))
        expect_hit(True, "RENAME path=to", RENAME, named(root, "from") + named(root, "to"))
        (here / "a.db").rename(here / "renamed.db")
        expect_hit(True, "GETATTR path=renamed.db", GETATTR, files["a.db"])
        for condition, expected in (
            ("offset=4K", True), ("offset=4096-8191", True), ("offset=-4095", False), ("size=100", True), ("size=1K-", False),
            ("offset=4K size=50-200", True), ("offset=4K !size=100", False),
        ):  # fmt: skip
            expect_hit(expected, f"READ {condition}", READ, files["b.txt"] + struct.pack(">QI", 4096, 100))
            expect_hit(expected, f"COMMIT {condition}", COMMIT, files["b.txt"] + struct.pack(">QI", 4096, 100))


class Attributes:
    """fattr3 as it is on the wire."""

    def __init__(self, data: bytes):
        self.size, self.fsid, self.fileid = (struct.unpack(">Q", data[at : at + 8])[0] for at in (20, 44, 52))
        self.accessed, self.modified, self.changed = (struct.unpack(">II", data[at : at + 8])[0] for at in (60, 68, 76))


def attributes_of(wire: Wire, handle: bytes) -> Attributes:
    reply = wire.call(GETATTR, handle)
    expect(reply[20:24] == b"\0\0\0\0" and len(reply) == 24 + 84, f"GETATTR: {reply}")
    return Attributes(reply[24:])


def post_op(results: bytes) -> tuple[Attributes | None, bytes]:
    """The attributes that results begin with, if they have some, and the rest."""
    if results[:4] == b"\0\0\0\0":
        return None, results[4:]
    return Attributes(results[4:88]), results[88:]


def read_of(wire: Wire, file: bytes, count: int = 100) -> tuple[int, bool, bytes]:
    """How much READ says it gives, whether that is the end, and the data."""
    reply = wire.call(READ, file + struct.pack(">QI", 0, count))
    expect(reply[20:24] == b"\0\0\0\0", f"READ: {reply}")
    _, rest = post_op(reply[24:])
    count, eof, length = struct.unpack(">III", rest[:12])
    expect(len(rest) == 12 + -(-length // 4) * 4, "READ is malformed")
    return count, bool(eof), rest[12 : 12 + length]


def written(wire: Wire, file: bytes, data: bytes, stable: int = 0) -> tuple[bool, Attributes | None, int, bytes]:
    """Whether WRITE gave attributes from before, those after, how much it says it wrote, the verifier."""
    reply = wire.call(WRITE, file + struct.pack(">QII", 0, len(data), stable) + opaque(data))
    expect(reply[20:24] == b"\0\0\0\0", f"WRITE: {reply}")
    has_before = reply[24:28] != b"\0\0\0\0"
    after, rest = post_op(reply[28 + 24 * has_before :])
    return has_before, after, struct.unpack(">I", rest[:4])[0], rest[8:16]


def listing(wire: Wire, directory: bytes, cookie: int = 0, verifier: bytes = bytes(8), count: int = 4096) -> tuple:
    """The status, the verifier, names and cookies, and whether that was all, of READDIR."""
    reply = wire.call(16, directory + struct.pack(">Q", cookie) + verifier + struct.pack(">I", count))
    status = struct.unpack(">I", reply[20:24])[0]
    if status:
        return status, b"", [], False
    _, rest = post_op(reply[24:])
    verifier, rest = rest[:8], rest[8:]
    entries = []
    while rest[:4] != b"\0\0\0\0":
        length = struct.unpack(">I", rest[12:16])[0]
        end = 16 + -(-length // 4) * 4
        entries.append((rest[16 : 16 + length].decode(), struct.unpack(">Q", rest[end : end + 8])[0]))
        rest = rest[end + 8 :]
    return status, verifier, entries, rest[4:8] != b"\0\0\0\0"


def results(bench: Bench) -> None:
    """What has run, and is told otherwise."""
    with serving(bench) as (wire, root, files):
        file = files["b.txt"]

        @contextlib.contextmanager
        def rule(text: str):
            fault(bench, "add", f"{text} name=r")
            yield
            fault(bench, "remove", "r")

        with rule("READ short=10"):
            expect(read_of(wire, file) == (10, False, b"x" * 10), "a short READ")
        with rule("WRITE short=10"):
            expect(written(wire, file, b"y" * 100)[2] == 10, "a short WRITE")
        with rule("READ eof=false"):
            expect(read_of(wire, file)[:2] == (100, False), "no end")
        with rule("READ eof=true"):
            expect(read_of(wire, file, 10)[:2] == (10, True), "an end too early")
        true = attributes_of(wire, file)
        with rule("GETATTR,READ attributes=size,fileid,fsid"):
            told = attributes_of(wire, file)
            expect((told.size, told.fileid, told.fsid) == (true.size + 1, true.fileid ^ 1, true.fsid ^ 1), f"{vars(told)}")
        with rule("GETATTR attributes=newer"):
            told = attributes_of(wire, file)
            expect((told.modified, told.changed) == (true.modified + 1, true.changed + 1), "newer attributes")
        with rule("* clock=1h"):
            told = attributes_of(wire, file)
            expect((told.accessed, told.modified, told.changed) == (true.accessed + 3600, true.modified + 3600, true.changed + 3600), "+1h")
        with rule("* clock=-90s"):
            expect(attributes_of(wire, file).modified == true.modified - 90, "-90s")
        with rule("GETATTR attributes=old"):
            attributes_of(wire, file)
            written(wire, file, b"z" * 300)
            expect(attributes_of(wire, file).size == 100, "attributes that the rule saw first")
        expect(attributes_of(wire, file).size == 300, "they stay old")
        has_before, after, _, verifier = written(wire, file, b"1")
        expect(has_before and after, "no attributes with WRITE")
        with rule("WRITE wcc=none"):
            has_before, after, _, _ = written(wire, file, b"1")
            expect(not has_before and after, "attributes from before")
        with rule("WRITE attributes=none"):
            has_before, after, _, _ = written(wire, file, b"1")
            expect(has_before and not after, "attributes from after")
        with rule("WRITE,COMMIT verifier=other first=1"):
            expect(written(wire, file, b"1")[3] != verifier, "the same verifier")
            expect(written(wire, file, b"1")[3] == verifier, "not once")
        with rule("COMMIT verifier=other"):
            expect(wire.call(COMMIT, file + struct.pack(">QI", 0, 0))[-8:] != verifier, "the same verifier of COMMIT")


def listings(bench: Bench) -> None:
    """Listings that are cut, have an entry twice, or whose cookies are refused."""
    names = tuple(f"name-{number:03}" for number in range(50))
    with serving(bench, files=names, transport="tcp") as (wire, root, _):
        every = {*names, ".", ".."}
        _, verifier, entries, is_end = listing(wire, root)
        expect({name for name, _ in entries} == every and is_end, "the listing itself")
        fault(bench, "add", "READDIR entries=7 name=r")
        seen, cookie = [], 0
        is_end = False
        while not is_end:
            _, _, some, is_end = listing(wire, root, cookie)
            expect(0 < len(some) <= 7, f"{len(some)} entries")
            seen += [name for name, _ in some]
            cookie = some[-1][1]
        expect(sorted(seen) == sorted(every), "a listing in pieces")
        fault(bench, "remove", "r")
        fault(bench, "add", "READDIR entries=twice name=r")
        _, _, twice, _ = listing(wire, root)
        expect(twice[0] == twice[1] and len(twice) == len(entries) + 1, "no entry twice")
        fault(bench, "remove", "r")
        fault(bench, "add", "READDIR cookies=bad first=1 name=r")
        _, _, first, _ = listing(wire, root, count=600)
        cookie = first[-1][1]
        expect(listing(wire, root, cookie)[0] == 10003, "the cookie is good")
        expect(listing(wire, root, first[0][1])[0] == OK, "another cookie is bad")
        expect(wire.status(17, root + struct.pack(">Q", cookie) + bytes(8) + struct.pack(">II", 4096, 8192)) == 10003, "READDIRPLUS")
        fault(bench, "remove", "r")
        expect(listing(wire, root, cookie)[0] == OK, "it stays bad")
        fault(bench, "add", "READDIR cookies=verifier name=r")
        _, other, _, _ = listing(wire, root)
        expect(other != verifier, "the same verifier")
        fault(bench, "remove", "r")
        expect(listing(wire, root, cookie, other)[0] == 10003, "another verifier is taken")


def stale_handles(bench: Bench) -> None:
    """A handle that has gone stale on order stays so, for every procedure; others do not."""
    with serving(bench, "READ path=*.db after=1 first=1 handles=stale name=stale") as (wire, root, files):
        arguments = struct.pack(">QI", 0, 10)
        got = [wire.status(READ, files["a.db"] + arguments) for _ in range(4)]
        expect(got == [OK, 70, 70, 70], f"{got}")
        expect(wire.status(GETATTR, files["a.db"]) == 70, "GETATTR")
        expect(wire.status(READ, files["c"] + arguments) == OK, "another file")
        fault(bench, "remove", "stale")
        expect(wire.status(GETATTR, files["a.db"]) == OK, "without the rule")


def memory_paths(bench: Bench) -> None:
    """Paths in trees in RAM, also after names have come and gone."""
    port = bench.serve_by("--memory", "mem", "--squash", "none", "--portmap", "off", "--listen", ":0")
    with Wire(port) as wire:
        root = handle_of(wire, "/mem")
        new = struct.pack(">I", 0) + b"\0" * 24
        for name in ("one", "two"):
            expect(wire.status(CREATE, named(root, name) + new) == OK, f"no {name}")
        one = looked_up(wire, root, "one")
        expect(wire.status(15, one + named(root, "also")) == OK, "no link")
        fault(bench, "add", "GETATTR path=/mem/also name=f status=NFS3ERR_IO")
        expect(wire.status(GETATTR, one) == IO, "its newest name is not its path")
        expect(wire.status(REMOVE, named(root, "also")) == OK, "no removal")
        fault(bench, "add", "GETATTR path=/mem/one status=NFS3ERR_JUKEBOX")
        expect(wire.status(GETATTR, one) == JUKEBOX, "the name that is left is not its path")
        expect(wire.status(GETATTR, looked_up(wire, root, "two")) == OK, "another file is hit")
        expect(wire.status(GETATTR, root) == OK, "the root is hit")


def composition(bench: Bench) -> None:
    """Several rules act in their order, and the first that answers ends the call."""
    rules = ("GETATTR delay=200ms name=first", "GETATTR status=NFS3ERR_IO late=200ms name=second", "GETATTR status=NFS3ERR_STALE name=third")
    with serving(bench, *rules) as (wire, root, _):
        began = time.monotonic()
        expect(wire.status(GETATTR, root) == IO, "not the first answer")
        expect(time.monotonic() - began >= 0.4, "delays do not add up")
        listed = [line.split(":")[:2] for line in fault(bench, "list").splitlines()]
        expect(listed == [["first", " 1 hit"], ["second", " 1 hit"], ["third", " 0 hits"]], f"{listed}")


def asked(bench: Bench) -> None:
    """`berth fault`: what it prints, and its status."""
    with serving(bench) as (wire, root, _):
        expect(fault(bench, "list") == "no faults\n", "there are some")
        fault(bench, "add", "GETATTR", "status=NFS3ERR_IO", status=2, says="'status=NFS3ERR_IO' is one argument too many")
        expect(fault(bench, "add", "GETATTR status=NFS3ERR_IO") == "rule-1\n", "the first has another name")
        expect(fault(bench, "add", "READ drop=call") == "rule-2\n", "the second has another name")
        expect(wire.status(GETATTR, root) == IO, "it does not hit")
        expect(fault(bench, "list") == "rule-1: 1 hit: GETATTR status=NFS3ERR_IO\nrule-2: 0 hits: READ drop=call\n", "list")
        fault(bench, "add", "READ name=rule-2 drop=call", status=2, says="there is a rule 'rule-2' already")
        fault(bench, "remove", "rule-1", says="rule-1 removed")
        fault(bench, "remove", "rule-1", status=1, says="no rule is called rule-1")
        fault(bench, "release", "rule-2", status=1, says="no rule called rule-2 holds calls")
        expect(wire.status(GETATTR, root) == OK, "it is still there")
        expect(fault(bench, "clear") == "1 removed\n" and fault(bench, "list") == "no faults\n", "clear")
        expect(fault(bench, "add", 'LOOKUP path="a b" status=NFS3ERR_IO') == "rule-3\n", "quotes")
        expect(wire.status(LOOKUP, named(root, "a b")) == IO, "a name with a blank is not hit")
        expect('path="a b"' in fault(bench, "list"), "its text is another")
        log = (bench.directory / "berth-0.log").read_text()
        expect("warning: fault rule-1: GETATTR status=NFS3ERR_IO" in log and "fault rule-1 is over after 1 hits" in log, log)


def ceiling(bench: Bench) -> None:
    """A thousand rules, and no more."""
    table = bench.directory / "many.toml"
    table.write_text("".join(f'[[fault]]\nrule = "READ uid={number} drop=call"\n' for number in range(1000)))
    bench.serve_by(bench.export, "--portmap", "off", "--listen", ":0", "--faults", table)
    fault(bench, "add", "READ drop=call", status=2, says="there are 1000 rules already; no more are taken")
    bench.stop_servers()
    with table.open("a") as file:
        file.write('[[fault]]\nrule = "READ drop=call"\n')
    ends(bench, "serve", bench.export, "--state", bench.directory / "s", "--listen", ":0", "--portmap", "off", "--faults", table,
         status=2, says=f"{table}:2002: there are 1000 rules already")  # fmt: skip


def mistakes(bench: Bench) -> None:
    """What is not understood, can't hit or does nothing is refused, with the place, the word and the nearest that is known."""
    serve = ("serve", bench.export, "--state", bench.directory / "state", "--portmap", "off", "--listen", ":0")
    for rule, says in (
        ("REDA drop=call", "--fault:1: REDA: no program or procedure has that name; did you mean 'READ'?"),
        ("READ drp=call", "--fault:6: drp=call: no rule has 'drp'; did you mean 'drop'?"),
        ("READ drop=cal", "--fault:6: drop=cal: unknown; did you mean 'call'?"),
        ("READ status=NFS3ERR_NOSPACE", "unknown; did you mean 'NFS3ERR_NOSPC'?"),
        ("READ status=5", "expected a status, as NFS3ERR_IO"),
        ("READ status=MNT3ERR_IO", "that is no status of the calls that the rule names"),
        ("MNT jukebox=1", "that is no status of the calls that the rule names"),
        ("READ refuse=SUCCESS", "expected PROG_UNAVAIL"),
        ("READ", "--fault:1: READ: nothing is to happen"),
        ("READ every=0 drop=call", "expected a number from 1 on"),
        ("READ first=0 drop=call", "expected a number from 1 on"),
        ("READ first=x drop=call", "expected a number"),
        ("READ probability=0 drop=call", "expected a probability above 0"),
        ("READ probability=1.5 drop=call", "expected a probability above 0"),
        ("READ from=2s until=1s drop=call", "no time lies between"),
        ("READ delay=5", "expected a time, as 200ms"),
        ("READ delay=300ms..100ms", "expected a time, as 200ms"),
        ("READ size=9-1 drop=call", "expected numbers"),
        ("READ uid=1000- drop=call drop=reply", "it was given already"),
        ("READ status=NFS3ERR_IO drop=call", "another word says already what to answer"),
        ("READ !drop=call", "only conditions can be denied"),
        ("READ client=host.example drop=call", "expected addresses or networks"),
        ("READ handle=xyz drop=call", "expected bytes in hexadecimal"),
        ("READ path=a/b drop=call", "a path begins with '/' or '*'"),
        ("READ export=a drop=call", "expected the path of an export"),
        ("READ transport=sctp drop=call", "expected udp or tcp"),
        ("READ name=-x drop=call", "expected a name"),
        ("READ path= drop=call", "expected a value after the '='"),
        ('READ path="a drop=call', "a quote (\") has no end"),
        ("DUMP path=/a drop=call", "only calls of NFS, MNT and UMNT have that"),
        ("GETATTR after-bytes=1 drop=call", "only READ, WRITE and COMMIT have that"),
        ("MNT read-only=yes", "that is no status of the calls that the rule names"),
        ("NFS gone=no", "expected yes"),
        ("GRANTED status=NLM4_DENIED", "GRANTED has no status here; refuse= takes the lock back"),
        ("GETATTR offset=0 drop=call", "only READ, WRITE and COMMIT have that"),
        ("GETATTR short=1", "only READ, WRITE and COMMIT have that"),
        ("WRITE eof=true", "only READ, READDIR and READDIRPLUS have that"),
        ("MNT clock=1h", "only calls of NFS have that"),
        ("READ fragments=0", "expected a number from 1 on"),
        ("READ fragments=1001", "expected a number from 1 to 1000"),
        ("READ cut=some", "expected a number"),
        ("READ rate=0", "expected a number from 1 on"),
        ("READ source=0.0.0.0", "expected an address of this machine"),
        ("READ behind=all", "expected next"),
        ("GETATTR attributes=odd", "unknown; did you mean 'old'?"),
        ("GETATTR clock=1ms", "expected a second at least"),
        ("GETATTR !wcc=none", "only conditions can be denied"),
        ("READDIR entries=some", "expected a number"),
        ("MNT per=file first=1 drop=call", "only calls of NFS have files"),
        ("", "expected a rule"),
        ("  ", "a rule is empty"),
    ):
        ends(bench, *serve, "--fault", rule, status=2, says=says)
    table = bench.directory / "faults.toml"
    for text, says in (
        ('[[fault]]\ncalls = "REDA"\ndrop = "call"\n', ":2: REDA: no program or procedure has that name; did you mean 'READ'?"),
        ('[[fault]]\nrule = "READ"\n\ndelay = true\n', ":4: expected a string or a number"),
        ('[fault]\nrule = "READ"\n', ":1: 'fault': expected rules, each below a line [[fault]]"),
        ("[[fault]]\n", ":1: the rule is empty"),
        ("# nothing\n", ": it has no rules"),
        ("[[fault]\n", ":1: "),
    ):
        table.write_text(text)
        ends(bench, *serve, "--faults", table, status=2, says=f"{table}{says}")
    ends(bench, *serve, "--faults", bench.directory / "none", status=2, says="No such file or directory")
    bench.serve_by(bench.export, "--portmap", "off", "--listen", ":0")
    fault(bench, "add", "REDA drop=call", status=2, says="fault add:1: REDA: no program or procedure has that name; did you mean 'READ'?")


def sources(bench: Bench) -> None:
    """Rules of a file, of the command line and of the environment, in one server."""
    table = bench.directory / "faults.toml"
    table.write_text('[[fault]]\nname = "slow"\ncalls = ["ACCESS", "READ"]\nuid = "!7"\nfirst = 1\ndelay = "1ms"\n')
    command = ("env", "BERTH_FAULT=GETATTR uid=1,2 drop=call name=a; LOOKUP drop=call name=b", bench.berth, "serve", bench.export)
    port = bench.serve_command(*command, "--state", bench.directory / "state", "--portmap", "off", "--listen", ":0", "--faults", table)
    listed = fault(bench, "list").splitlines()
    expect([line.split(":")[0] for line in listed] == ["slow", "a", "b"], f"{listed}")
    expect(all(word in listed[0] for word in ("ACCESS,READ", "!uid=7", "first=1", "delay=1ms")), listed[0])
    with Wire(port) as wire:
        root = handle_of(wire, bench.export)
        expect(wire.status(GETATTR, root) == OK, "uid 0 is hit")
    with Wire(port, uid=2) as wire:
        expect(wire.call(GETATTR, root, seconds=SOON) is None, "uid 2 is not hit")


def reloaded(bench: Bench) -> None:
    """A mistake in rules of the configuration is told of with its place, at the start and by SIGHUP."""
    config, table = bench.directory / "berth.toml", bench.directory / "faults.toml"
    config.write_text(f'directories = "{bench.export}"\n')
    bench.serve_by("--config", config, "--portmap", "off", "--listen", ":0")
    config.write_text(f'directories = "{bench.export}"\nfault = "READ dorp=call"\n')
    bench.reload(f"reload refused, nothing has changed: {config}:2:6: dorp=call: no rule has 'dorp'; did you mean 'drop'")
    config.write_text(f'directories = "{bench.export}"\nfaults = "{table}"\n')
    bench.reload(f"reload refused, nothing has changed: .*:2: {table}: No such file")
    table.write_text('[[fault]]\nrule = "READ drop=call"\n')
    bench.reload("these options take effect with a restart only: faults")
    bench.stop_servers()
    given = {**os.environ, "BERTH_FAULT": "READ dorp=call"}
    ends(bench, "serve", bench.export, "--state", bench.directory / "s", "--listen", ":0", "--portmap", "off", status=2,
         says="BERTH_FAULT:6: dorp=call", env=given)  # fmt: skip


def under_load(bench: Bench) -> None:
    """Rules come and go while calls run: none is lost, none is wrong."""
    with serving(bench, transport="tcp") as (wire, root, files):
        state = bench.directory / "state"
        churn = subprocess.Popen(
            ["sh", "-c", f'while :; do "{bench.berth}" fault add --state "{state}" "GETATTR uid=99 status=NFS3ERR_IO name=n"; '
             f'"{bench.berth}" fault clear --state "{state}"; done'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        bench._others.append(churn)
        began = time.monotonic()
        count = 0
        while time.monotonic() - began < 3:
            xids = [wire.send(GETATTR, files[name]) for name in ("a.db", "c", "b.txt") * 20]
            got = {}
            for _ in xids:
                reply = wire.receive()
                expect(bool(reply), "a reply is lost")
                got[reply[:4]] = reply[24:28]
            expect(all(got.get(xid) == b"\0\0\0\0" for xid in xids), "a reply is wrong or lost")
            count += len(xids)
        os.killpg(churn.pid, 15)
        churn.wait()
        expect(count > 1000, f"only {count} calls")


CASES = {
    "faults.lost_reply": lost_reply,
    "faults.dropped_call": dropped_call,
    "faults.statuses": statuses,
    "faults.refusals": refusals,
    "faults.delays": delays,
    "faults.held": held,
    "faults.jukebox": jukebox,
    "faults.replies": replies,
    "faults.selections": selections,
    "faults.seeds": seeds,
    "faults.conditions": conditions,
    "faults.records": records,
    "faults.odd_records_of_many": odd_records_of_many,
    "faults.acts_on_exports": acts_on_exports,
    "faults.acts_on_locks": acts_on_locks,
    "faults.other_source": other_source,
    "faults.results": results,
    "faults.listings": listings,
    "faults.stale_handles": stale_handles,
    "faults.memory_paths": memory_paths,
    "faults.composition": composition,
    "faults.asked": asked,
    "faults.ceiling": ceiling,
    "faults.mistakes": mistakes,
    "faults.sources": sources,
    "faults.reloaded": reloaded,
    "faults.under_load": under_load,
}
for _case in CASES.values():
    _case.calls_nobody = True  # refusals and what looks like rubbish are ordered here
