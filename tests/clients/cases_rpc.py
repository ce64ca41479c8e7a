"""rpcinfo in all its forms, exports files, and calls over UDP made by hand."""

import os
import pathlib
import re
import socket
import struct

from bench import Bench, answers, await_condition, expect
from traffic import PROGRAM_MISMATCH

SERVED = {(100000, 2), (100000, 3), (100000, 4), (100003, 3), (100005, 1), (100005, 2), (100005, 3)}


def versions(text: str) -> set[tuple[int, int, str]]:
    """(program, version, protocol) of the lines of `rpcinfo -p`."""
    return {(int(p), int(v), proto) for p, v, proto in re.findall(r"^\s*(\d+)\s+(\d+)\s+(tcp|udp)\s", text, re.M)}


def rpcinfo_lists(bench: Bench) -> None:
    bench.serve()
    for host in ("127.0.0.1", "::1", "localhost"):
        listed = versions(bench.run("rpcinfo", "-p", host))
        for program, version in SERVED:
            for protocol in ("tcp", "udp"):
                expect((program, version, protocol) in listed, f"-p {host} lacks {program} {version} {protocol}")
    for host in ("127.0.0.1", "::1", "localhost"):
        short = bench.run("rpcinfo", "-s", host)
        for program in (100000, 100003, 100005):
            expect(re.search(rf"^\s*{program}\s+[\d,]+\s+\S*tcp", short, re.M) is not None, f"-s {host}:\n{short}")
        plain = bench.run("rpcinfo", host)
        for netid in ("tcp", "udp", "tcp6", "udp6"):
            expect(re.search(rf"^\s*100003\s+3\s+{netid}\s", plain, re.M) is not None, f"{host} lacks {netid}:\n{plain}")
    for host, family in (("127.0.0.1", "inet"), ("::1", "inet6")):
        told = bench.run("rpcinfo", "-l", host, "100003", "3")
        for transport in ("tcp/cots_ord", "udp/clts"):
            expect(re.search(rf"100003\s+3\s+{family}/{transport}\s+{host}\.8\.1\s", told) is not None, told)
        counts = bench.run("rpcinfo", "-m", host)
        for heading in ("PORTMAP (version 2)", "RPCBIND (version 3)", "RPCBIND (version 4)"):
            expect(heading in counts, counts)
    refused = bench.run("rpcinfo", "-t", "127.0.0.1", "100007", "2", status=1)
    expect("not registered" in refused, refused)


def rpcinfo_calls(bench: Bench) -> None:
    bench.serve()
    for program, version in (("100003", "3"), ("100005", "3"), ("100005", "1"), ("100000", "2"), ("100000", "4")):
        for option in ("-t", "-u"):
            said = bench.run("rpcinfo", option, "127.0.0.1", program, version)
            expect("ready and waiting" in said, said)
    for host, netids in (
        ("127.0.0.1", ("tcp", "udp")),
        ("::1", ("tcp6", "udp6")),
        ("localhost", ("tcp", "udp")),
    ):
        for netid in netids:
            said = bench.run("rpcinfo", "-T", netid, host, "100003", "3")
            expect("ready and waiting" in said, said)


def rpcinfo_without_version(bench: Bench) -> None:
    bench.serve()
    for program, versions_served in ((100003, (3,)), (100005, (1, 2, 3)), (100000, (2, 3, 4))):
        for call in (("-t", "127.0.0.1"), ("-u", "127.0.0.1"), ("-T", "tcp6", "::1"), ("-T", "udp6", "::1")):
            said = bench.run("rpcinfo", *call, str(program))
            ready = re.findall(rf"{program} version (\d+) ready and waiting", said)
            expect(ready == [str(version) for version in versions_served], f"{call}: {said}")
            expect("not available" not in said, f"{call}: {said}")


rpcinfo_without_version.refusals = frozenset({PROGRAM_MISMATCH})


def exports_by_file(bench: Bench) -> None:
    """An exports file: who is listed, who may what, and what a reload makes of it."""
    other = bench.directory / "other place"
    other.mkdir()
    other.chmod(0o777)
    (bench.export / "file").write_text("here")
    table = bench.directory / "exports"
    quoted = str(other).replace(" ", "\\040")

    def write(*lines: str) -> None:
        table.write_text("".join(line + "\n" for line in lines))

    def mounts(what: pathlib.Path, status: int = 0) -> str:
        return bench.run("nfs-ls", f"nfs://127.0.0.1{what}?version=3", status=status)

    write(f"{bench.export} 127.0.0.0/8(rw,insecure) *.lab.example @trusted 2001:db8::/32(rw)", f"{quoted} *(insecure)")
    port = bench.serve_by("--exports", table)
    listed = bench.run("showmount", "-e", "127.0.0.1")
    clients = re.escape("127.0.0.0/8,2001:db8::/32,*.lab.example,@trusted")
    expect(re.search(rf"^{re.escape(str(bench.export))}\s+{clients}$", listed, re.M) is not None, listed)
    expect(re.search(rf"^{re.escape(str(other))}\s+\(everyone\)$", listed, re.M) is not None, listed)
    expect("file" in mounts(bench.export), "the file is not listed")
    checked = bench.run(bench.berth, "exports", "check", table)
    expect(checked.count("\n") == 6 and f"# {table}:1:" in checked and "netgroup 'trusted' is unknown" in checked, checked)
    told = bench.run(bench.berth, "exports", "explain", "127.0.0.1", bench.export, "--exports", table)
    expect(f"{table}:1:" in told and "127.0.0.0/8 decides" in told and "rw" in told, told)

    # What is wrong changes nothing, and is said with its place.
    write(f"{bench.export} 127.0.0.1(rwx)")
    told = bench.run(bench.berth, "exports", "check", table, status=2)
    expect(f"exports:1:{len(str(bench.export)) + 12}: 'rwx': there is no such option" in told, told)
    told = bench.run(bench.berth, "exports", "check", "/missing", table, bench.directory, status=2).splitlines()
    expect(len(told) == 3, "each mistake is said")
    for line, start in zip(told, ("/missing: No such file", f"{table}:1:", f"{bench.directory}: it is a directory"), strict=True):
        expect(line.startswith(start), f"{line}: expected {start}")
    bench.reload("reload refused, nothing has changed: .*'rwx': there is no such option")
    expect("file" in mounts(bench.export), "a bad file has changed something")

    # Who is no longer meant is denied; who never was is told why.
    write(f"{bench.export} 192.0.2.0/24(rw)", f"{quoted} *(insecure,ro)")
    bench.reload("reloaded: 2 exports")
    expect("Permission denied" in mounts(bench.export, status=243), "denied in other words")
    told = bench.run(bench.berth, "exports", "explain", "127.0.0.1", bench.export, "--exports", table, status=1)
    expect("no entry is for this client" in told and "access denied" in told, told)

    # Taken back altogether: a handle of before is stale.
    write(f"{bench.export} *(rw,insecure)")
    bench.reload("reloaded: 1 export")
    mounted = udp_call(port, 100005, 3, 1, opaque(str(bench.export).encode()))
    length = struct.unpack(">I", mounted[4:8])[0]
    handle = opaque(mounted[8 : 8 + length])
    expect(udp_call(port, 100003, 3, 1, handle)[:4] == bytes(4), "GETATTR fails")
    write(f"{quoted} *(rw,insecure)")
    bench.reload("reloaded: 1 export")
    expect(struct.unpack(">I", udp_call(port, 100003, 3, 1, handle)[:4])[0] == 70, "not stale")
    write(f"{bench.export} *(rw,insecure)")
    bench.reload("reloaded: 1 export")
    expect(udp_call(port, 100003, 3, 1, handle)[:4] == bytes(4), "exported again, and still stale")
    explained_below_mounts(bench)


def explained_below_mounts(bench: Bench) -> None:
    """Whether what is mounted in an export is part of it for a client, and if not, why."""
    memory, kernel, place = (bench.export / name for name in ("memory", "kernel", "memory/place"))
    for point in (memory, kernel):
        point.mkdir()
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} 127.0.0.1(rw,crossmnt) *(ro)\n/elsewhere *(crossmnt)\n")
    mounting = 'mount -t tmpfs none "$1" && mkdir "$1/place" && mount -t proc none "$2" && shift 2 && exec "$@"'

    def explain(client: str, path: pathlib.Path, status: int) -> str:
        asked = (str(bench.berth), "exports", "explain", client, str(path), "--exports", str(table))
        in_mounts = ("unshare", "--mount", "sh", "-c", mounting, "sh", str(memory), str(kernel))
        return bench.run(*in_mounts, *asked, status=status)

    for path in (memory, place):
        told = explain("127.0.0.1", path, 0)
        expect(f"{memory} 127.0.0.1 decides" in told and "rw" in told, told)
        expect(f"{memory}: what is mounted here is part of the export (crossmnt)" in told, told)
        told = explain("192.0.2.1", path, 1)
        expect(f"a mount fails: {memory}: what is mounted here stays hidden: the entry has no crossmnt" in told, told)
    told = explain("127.0.0.1", kernel / "sys", 1)
    expect(f"a mount fails: {kernel}: what is mounted here stays hidden: a file system of type proc" in told, told)
    expect("a mount fails" not in explain("127.0.0.1", bench.export, 0), "the export itself")


def locks_below_mounts(bench: Bench) -> None:
    """A client's lock keeps a mounted file system busy, as a local one does, until it is let go."""
    point, beside, table = bench.export / "mounted", bench.export / "beside", bench.directory / "exports"
    for place in (point, beside):
        place.mkdir()
    table.write_text(f"{bench.export} *(rw,insecure,crossmnt)\n")
    mounting = 'for at in "$1" "$2"; do mount -t tmpfs none "$at"; done; install -m 666 /dev/null "$1/file"; shift 2; exec "$@"'
    by = ("unshare", "--mount", "sh", "-c", mounting, "sh", str(point), str(beside))
    port = bench.serve_by("--exports", table, by=by)

    def handle_in(results: bytes) -> bytes:
        length = struct.unpack(">I", results[4:8])[0]
        return opaque(results[8 : 8 + length])

    def lock_manager(procedure: int, arguments: bytes) -> int:
        results = udp_call(port, 100021, 4, procedure, opaque(b"") + arguments)
        return struct.unpack(">I", results[-4:])[0]

    root = handle_in(udp_call(port, 100005, 3, 1, opaque(str(point).encode())))
    file = handle_in(udp_call(port, 100003, 3, 3, root + opaque(b"file")))
    lock = opaque(b"client") + file + opaque(b"owner") + struct.pack(">iQQ", 1, 0, 0)
    exclusive, not_monitored, unlock = struct.pack(">II", 0, 1), 22, 4
    status = lock_manager(not_monitored, exclusive + lock + struct.pack(">Ii", 0, 0))
    expect(status == 0, f"locking: status {status}")
    expect(not bench.unmount(beside), "unmounted though it is served")
    # No part of the export any more; the lock is all that is left.
    table.write_text(f"{bench.export} *(rw,insecure)\n")
    bench.reload("reloaded: 1 export")
    expect(struct.unpack(">I", udp_call(port, 100003, 3, 1, file)[:4])[0] == 70, "still served")
    await_condition(lambda: bench.unmount(beside), "umount of what is not served any more", 5)
    expect(not bench.unmount(point), "unmounted though a client has a lock there")
    status = lock_manager(unlock, lock)
    expect(status == 0, f"unlocking: status {status}")
    await_condition(lambda: bench.unmount(point), "umount after the lock was let go", 5)


def udp_call(port: int, program: int, version: int, procedure: int, arguments: bytes, to: str = "127.0.0.1") -> bytes:
    """The results of a successful call; the reply must come from the address that was called."""
    xid = os.urandom(4)
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    header = struct.pack(">IIIII", 0, 2, program, version, procedure) + b"\0" * 16
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(xid + header + arguments, (to, port))
        reply, sender = client.recvfrom(65536)
    expect(sender[0] == to, f"called {to}, answered by {sender[0]}")
    expect(reply[:24] == xid + struct.pack(">IIIII", 1, 0, 0, 0, 0), f"not a success: {reply.hex()}")
    return reply[24:]


def opaque(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def udp(bench: Bench) -> None:
    port = bench.serve("--portmap", "off", "--listen", ":0")
    expect(not answers(111), "port 111 answers although --portmap off")
    for address in ("127.0.0.1", "127.0.0.2", "::1"):
        expect(udp_call(port, 100003, 3, 0, b"", address) == b"", "NULL has results")
    mounted = udp_call(port, 100005, 3, 1, opaque(str(bench.export).encode()))
    status, length = struct.unpack(">II", mounted[:8])
    expect(status == 0, f"MNT: {status}")
    handle = mounted[8 : 8 + length]
    attributes = udp_call(port, 100003, 3, 1, opaque(handle))
    status, kind = struct.unpack(">II", attributes[:8])
    expect((status, kind, len(attributes)) == (0, 2, 88), f"GETATTR: {attributes.hex()}")


CASES = {
    "rpcinfo.lists": rpcinfo_lists,
    "rpcinfo.calls": rpcinfo_calls,
    "rpcinfo.without_version": rpcinfo_without_version,
    "exports": exports_by_file,
    "locks_below_mounts": locks_below_mounts,
    "udp": udp,
}
