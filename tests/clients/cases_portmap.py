"""The portmapper, own and the machine's: registering, being registered, the addresses that it tells."""

import contextlib
import pathlib
import shutil
import socket
import struct
import subprocess

from bench import Bench, answers, await_condition, expect
from cases_rpc import opaque, udp_call, versions

PORTMAP = 100000
OTHERS_PROGRAM = 400123
TCP, UDP = 6, 17
V2_SET, V2_UNSET, V2_GETPORT = 1, 2, 3
V4_GETADDR, V4_GETVERSADDR = 3, 9
FAR_ADDRESS, FAR_ADDRESS6 = "10.77.0.1", "fd77::1"


def v2(procedure: int, program: int, version: int, protocol: int, port: int = 0, to: str = "127.0.0.1") -> int:
    arguments = struct.pack(">4I", program, version, protocol, port)
    return struct.unpack(">I", udp_call(111, PORTMAP, 2, procedure, arguments, to))[0]


def v4_address(procedure: int, program: int, version: int, netid: str, to: str) -> str:
    arguments = struct.pack(">2I", program, version) + b"".join(opaque(text) for text in (netid.encode(), b"", b""))
    results = udp_call(111, PORTMAP, 4, procedure, arguments, to)
    return results[4 : 4 + struct.unpack(">I", results[:4])[0]].decode()


@contextlib.contextmanager
def far_addresses():
    """Addresses of this machine that are not the loopback's, on the interface that is watched."""
    places = [f"{FAR_ADDRESS}/32", f"{FAR_ADDRESS6}/128"]
    for place in places:
        subprocess.run(["ip", "address", "add", place, "dev", "lo"], check=True)
    try:
        yield
    finally:
        for place in places:
            subprocess.run(["ip", "address", "del", place, "dev", "lo"], check=True)


@contextlib.contextmanager
def system_rpcbind(bench: Bench):
    """Debian's rpcbind on port 111, with files of its own."""
    with contextlib.ExitStack() as mounts:
        for place in ("/run", "/var/lib"):
            if pathlib.Path(place).is_dir():
                subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
                mounts.callback(subprocess.run, ["umount", "-l", place], check=True)
        pathlib.Path("/run/rpcbind").mkdir()
        bench.background("rpcbind", "-f", "-w")
        await_condition(lambda: answers(111), "rpcbind to answer")
        yield


def registrants(bench: Bench) -> None:
    """Other programs of this machine register with berth's portmapper, and only they."""
    bench.serve()
    expect(v2(V2_SET, OTHERS_PROGRAM, 1, TCP, 4999) == 1, "SET refused")
    expect(v2(V2_SET, OTHERS_PROGRAM, 1, TCP, 5999) == 0, "a second SET was taken")
    expect(v2(V2_GETPORT, OTHERS_PROGRAM, 1, TCP) == 4999, "GETPORT does not know it")
    expect(v2(V2_GETPORT, OTHERS_PROGRAM, 1, UDP) == 0, "GETPORT tells a transport that is not served")
    expect((OTHERS_PROGRAM, 1, "tcp") in versions(bench.run("rpcinfo", "-p", "127.0.0.1")), "not in rpcinfo -p")
    expect(v2(V2_UNSET, 100003, 3, TCP) == 0, "UNSET took the server's own entry")
    with far_addresses():
        expect(v2(V2_SET, OTHERS_PROGRAM, 2, TCP, 4999, FAR_ADDRESS) == 0, "SET taken from afar")
        expect(v2(V2_UNSET, OTHERS_PROGRAM, 1, TCP, 0, FAR_ADDRESS) == 0, "UNSET taken from afar")
        expect(v2(V2_SET, OTHERS_PROGRAM, 2, TCP, 4999, FAR_ADDRESS6) == 0, "SET taken from afar by IPv6")
    expect(v2(V2_UNSET, OTHERS_PROGRAM, 1, TCP) == 1, "UNSET refused")
    expect((OTHERS_PROGRAM, 1, "tcp") not in versions(bench.run("rpcinfo", "-p", "127.0.0.1")), "still in rpcinfo -p")
    expect((100003, 3, "tcp") in versions(bench.run("rpcinfo", "-p", "127.0.0.1")), "NFS has gone")


def addresses(bench: Bench) -> None:
    """A caller is told the address by which it came."""
    bench.serve()
    with far_addresses():
        for to, netids in (
            ("127.0.0.1", ("udp", "tcp")),
            ("::1", ("udp6", "tcp6")),
            (FAR_ADDRESS, ("udp", "tcp")),
            (FAR_ADDRESS6, ("udp6", "tcp6")),
        ):
            for netid in netids:
                told = v4_address(V4_GETADDR, 100003, 3, netid, to)
                expect(told == f"{to}.8.1", f"{netid} by {to}: {told}")
                told = v4_address(V4_GETVERSADDR, 100003, 4, netid, to)
                expect(told == "", f"version 4, {netid} by {to}: {told}")


def only_where_it_listens(bench: Bench) -> None:
    """What is served by IPv4 only is told of IPv4 only."""
    bench.serve("--listen", "127.0.0.1:2049")
    listed = bench.run("rpcinfo", "127.0.0.1")
    expect("tcp6" not in listed and "udp6" not in listed, listed)
    for netid in ("udp6", "tcp6"):
        told = v4_address(V4_GETADDR, 100003, 3, netid, "127.0.0.1")
        expect(told == "", f"{netid}: {told}")
    expect(not answers(111, "::1"), "port 111 answers by IPv6")


def registered(bench: Bench) -> None:
    """With a system rpcbind on port 111: registered there for every transport, and nothing left behind."""
    with system_rpcbind(bench):
        before = bench.run("rpcinfo", "127.0.0.1")
        port = bench.serve("--portmap", "register", "--listen", ":0")
        during = bench.run("rpcinfo", "127.0.0.1")
        place = f"{port >> 8}.{port & 255}"
        for program, version in ((100003, 3), (100005, 1), (100005, 3)):
            for netid, host in (("tcp", "0.0.0.0"), ("udp", "0.0.0.0"), ("tcp6", "::"), ("udp6", "::")):
                line = [str(program), str(version), netid, f"{host}.{place}"]
                expect(any(words.split()[:4] == line for words in during.splitlines()), f"not registered: {line}\n{during}")
        for netid, host in (("tcp", "127.0.0.1"), ("udp", "127.0.0.1"), ("tcp6", "::1"), ("udp6", "::1")):
            said = bench.run("rpcinfo", "-T", netid, host, "100003", "3")
            expect("ready and waiting" in said, said)
        bench.run("showmount", "-e", "127.0.0.1")
        bench.run("nfs-ls", f"nfs://127.0.0.1{bench.export}?version=3")
        bench.stop_servers()
        after = bench.run("rpcinfo", "127.0.0.1")
        expect(after == before, f"before:\n{before}\nafter:\n{after}")


def registered_after_a_crash(bench: Bench) -> None:
    """What a killed server has left is replaced, whether the port is the same or another."""
    with system_rpcbind(bench):
        before = bench.run("rpcinfo", "127.0.0.1")
        for listen in (":2049", ":0", ":0"):
            bench.serve("--portmap", "register", "--listen", listen)
            bench.kill_servers()
        port = bench.serve("--portmap", "register", "--listen", ":0")
        expect(v2(V2_GETPORT, 100003, 3, TCP) == port, "rpcbind still tells the dead server's port")
        expect("ready and waiting" in bench.run("rpcinfo", "-u", "127.0.0.1", "100005", "3"), "not reachable")
        bench.stop_servers()
        after = bench.run("rpcinfo", "127.0.0.1")
        expect(after == before, f"before:\n{before}\nafter:\n{after}")


def registered_beside_another(bench: Bench) -> None:
    """A living server's registrations are left to it."""
    with system_rpcbind(bench):
        first = bench.serve("--portmap", "register", "--listen", ":0")
        during = bench.run("rpcinfo", "127.0.0.1")
        bench.serve("--listen", ":0", "--state", str(bench.directory / "other state"))
        expect(bench.run("rpcinfo", "127.0.0.1") == during, "the second server took over registrations")
        expect(v2(V2_GETPORT, 100003, 3, TCP) == first, "GETPORT tells the second server")
        log = (bench.directory / "berth-1.log").read_text()
        told = "must name the port, as the mount commands do: another NFS server is registered there"
        expect(log.count(told) == 1 and "in charge" not in log and "registered with" not in log, log)
        bench.stop_last_server()
        asked = [bench.berth, "serve", bench.export, "--listen", ":0", "--portmap", "register"]
        done = subprocess.run([*asked, "--state", bench.directory / "third"], capture_output=True, text=True)
        expect(done.returncode == 2 and "another NFS server is registered" in done.stderr, f"{done}")
        expect(bench.run("rpcinfo", "127.0.0.1") == during, "the second server removed the first one's registrations")


def bind_privileged(client: socket.socket) -> None:
    """To a port that only privileged callers have; some are somebody's."""
    for port in range(1023, 600, -1):
        with contextlib.suppress(OSError):
            client.bind(("127.0.0.1", port))
            return
    raise OSError("no privileged port is free")


def registered_beside_lockd(bench: Bench) -> None:
    """This machine's lock manager and status monitor stay in charge, and the log says so."""
    with system_rpcbind(bench), contextlib.ExitStack() as sockets:
        for program, version in ((100021, 4), (100024, 1)):
            served = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
            asking = sockets.enter_context(socket.socket())
            bind_privileged(asking)
            asking.connect(("127.0.0.1", 111))
            call = struct.pack(">10I", 1, 0, 2, PORTMAP, 2, V2_SET, 0, 0, 0, 0)
            call += struct.pack(">4I", program, version, TCP, served.getsockname()[1])
            asking.sendall(struct.pack(">I", 0x80000000 | len(call)) + call)
            expect(asking.recv(100)[-4:] == struct.pack(">I", 1), f"SET of {program} was refused")
        bench.serve("--listen", ":0")
        log = bench.logs()
        for whose in ("this machine's own lock manager (lockd)", "this machine's rpc.statd"):
            expect(log.count(f"{whose} is registered with its rpcbind and in charge") == 1, log)
        expect("registered with this machine's rpcbind" in log, log)


def registered_by_a_user(bench: Bench) -> None:
    """Without privileges it registers with the machine's rpcbind too, and leaves nothing behind."""
    with system_rpcbind(bench):
        before = bench.run("rpcinfo", "127.0.0.1")
        state = bench.directory / "user"
        state.mkdir()
        shutil.chown(state, 1000, 1000)
        as_user = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--")
        port = bench.serve_by(bench.export, "--listen", ":0", "--state", state, by=as_user)
        expect(v2(V2_GETPORT, 100003, 3, TCP) == port, bench.logs())
        bench.run("showmount", "-e", "127.0.0.1")
        bench.stop_servers()
        after = bench.run("rpcinfo", "127.0.0.1")
        expect(after == before, f"before:\n{before}\nafter:\n{after}")


def not_with_itself(bench: Bench) -> None:
    """All on port 111: there is no other portmapper to register with."""
    bench.serve("--listen", ":111")
    expect(v2(V2_GETPORT, 100003, 3, TCP) == 111, "GETPORT")
    expect("rpcbind" not in bench.logs(), bench.logs())


CASES = {
    "portmap.registrants": registrants,
    "portmap.addresses": addresses,
    "portmap.only_where_it_listens": only_where_it_listens,
    "portmap.registered": registered,
    "portmap.registered_after_a_crash": registered_after_a_crash,
    "portmap.registered_beside_another": registered_beside_another,
    "portmap.registered_beside_lockd": registered_beside_lockd,
    "portmap.registered_by_a_user": registered_by_a_user,
    "portmap.not_with_itself": not_with_itself,
}
