"""Whom the server believes: forged packets, long answers to short datagrams, and names that nobody can look up now."""

import os
import re
import socket
import struct

from bench import Bench, Failed, await_condition, expect
from cases_rpc import opaque, udp_call

SYSTEM_ERROR = ("0", "5")
SIMULATE_CRASH = struct.pack(">IIIIII", 7, 0, 2, 100024, 1, 5) + b"\0" * 16


def log_of(bench: Bench) -> str:
    return (bench.directory / "berth-0.log").read_text()


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def forged_frame(to_mac: bytes, source: str, target: str, protocol: int, segment: bytes, at: int) -> bytes:
    """An Ethernet frame with an IPv6 packet; `at` is the place of the checksum in the segment."""
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    summed = checksum(addresses + struct.pack(">IHBB", len(segment), 0, 0, protocol) + segment)
    segment = segment[:at] + struct.pack(">H", summed) + segment[at + 2 :]
    packet = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64) + addresses + segment
    return to_mac + b"\x02" * 6 + b"\x86\xdd" + packet


def mapped_sources(bench: Bench) -> None:
    """A packet over IPv6 that says it comes from ::ffff:127.0.0.1 is from nobody; the same call from this machine counts."""
    bench.run("ip", "link", "add", "berth0", "type", "veth", "peer", "name", "wire0")
    try:
        bench.run("ip", "addr", "add", "fd77::1/64", "dev", "berth0", "nodad")
        for link in ("berth0", "wire0"):
            bench.run("ip", "link", "set", link, "up")
        port = bench.serve("--portmap", "off", "--listen", ":0")
        mac = bytes.fromhex(re.search(r"link/ether (\S+)", bench.run("ip", "link", "show", "berth0")).group(1).replace(":", ""))
        datagram = struct.pack(">HHHH", 600, port, 8 + len(SIMULATE_CRASH), 0) + SIMULATE_CRASH
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("wire0", 0))

            def send(source: str) -> None:
                wire.send(forged_frame(mac, source, "fd77::1", socket.IPPROTO_UDP, datagram, 6))

            def is_dropped() -> bool:
                send("::ffff:127.0.0.1")
                return "the impossible source [::ffff:127.0.0.1]:600" in log_of(bench)

            await_condition(is_dropped, "the forged datagram to be dropped")
            for source in ("::127.0.0.1", "::1", "fd77::9"):
                send(source)
        expect("SM_SIMU_CRASH received" not in log_of(bench), "a crash was simulated from elsewhere")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as local:
            local.bind(("::1", 601))
            local.settimeout(10)
            local.sendto(SIMULATE_CRASH, ("::1", port))
            local.recv(1000)
        expect("SM_SIMU_CRASH received" in log_of(bench), "this machine's root is not believed")
    finally:
        bench.run("ip", "link", "del", "berth0")


def short_datagrams(bench: Bench) -> None:
    """A datagram is answered at most at ten times its length, and said to be refused where a list would be longer."""
    table = bench.directory / "exports"
    for number in range(100):
        (bench.export / f"tree{number}").mkdir(mode=0o777)
    table.write_text("".join(f"{bench.export}/tree{number} *(rw,insecure)\n" for number in range(100)))
    (bench.export / "tree0" / "file").write_bytes(b"0123456789" * 10_000)
    (bench.export / "tree0" / "link").symlink_to("x" * 2000)
    for number in range(300):
        (bench.export / "tree0" / f"entry{number}").touch()
    port = bench.serve_by("--exports", table)

    def answer(client: socket.socket, program: int, version: int, procedure: int, arguments: bytes) -> bytes:
        call = os.urandom(4) + struct.pack(">IIIII", 0, 2, program, version, procedure) + b"\0" * 16 + arguments
        client.send(call)
        reply = client.recv(65536)
        what = f"program {program} version {version} procedure {procedure}"
        expect(reply[:4] == call[:4], f"{what}: another reply")
        expect(len(reply) <= 10 * len(call), f"{what}: {len(call)} bytes are answered by {len(reply)}")
        return reply[20:]

    path = str(bench.export / "tree0").encode()
    length = struct.unpack(">I", udp_call(port, 100005, 3, 1, opaque(path))[4:8])[0]
    handle = opaque(udp_call(port, 100005, 3, 1, opaque(path))[8 : 8 + length])

    def handle_of(name: bytes) -> bytes:
        found = udp_call(port, 100003, 3, 3, handle + opaque(name))
        size = struct.unpack(">I", found[4:8])[0]
        return opaque(found[8 : 8 + size])

    file, link = handle_of(b"file"), handle_of(b"link")
    refused, whole = struct.pack(">I", 5), struct.pack(">QI", 0, 32768)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        for program, version, procedure in ((100005, 3, 5), (100005, 1, 6), (100000, 4, 4), (100000, 3, 4), (100000, 2, 4)):
            expect(answer(client, program, version, procedure, b"") == refused, f"a long list of {program}")
        answer(client, 100000, 4, 12, b"")  # statistics
        answer(client, 100000, 4, 11, struct.pack(">II", 100003, 3) + opaque(b"") * 3)
        expect(answer(client, 100003, 3, 5, link) == refused, "a long link")
        for procedure, arguments in ((6, file + whole), (16, handle + bytes(16) + whole[8:]), (17, handle + bytes(16) + whole[8:] * 2)):
            results = answer(client, 100003, 3, procedure, arguments)
            expect(results[:8] == bytes(8), f"procedure {procedure} fails: {results[:8].hex()}")
        # Who reads on from where each reply ends has all of them, and is soon answered at length.
        data, lengths = b"", []
        while len(data) < 100_000 and len(lengths) < 200:
            call = os.urandom(4) + struct.pack(">IIIII", 0, 2, 100003, 3, 6) + b"\0" * 16
            client.send(call + file + struct.pack(">QI", len(data), 32768))
            results = client.recv(65536)[24:]
            lengths.append(struct.unpack(">I", results[92:96])[0])
            data += results[104 : 104 + lengths[-1]]
        expect(data == b"0123456789" * 10_000, "other data")
        expect(lengths[0] < 1500 and max(lengths) == 32768, f"lengths {lengths}")
    # The clients that there are ask over TCP.
    expect(bench.run("showmount", "-e", "127.0.0.1").count("/tree") == 100, "showmount -e")
    expect("100003" in bench.run("rpcinfo", "-p", "127.0.0.1"), "rpcinfo -p")
    expect("100003" in bench.run("rpcinfo", "127.0.0.1"), "rpcinfo")
    expect("100005" in bench.run("rpcinfo", "-s", "127.0.0.1"), "rpcinfo -s")


short_datagrams.refusals = frozenset({SYSTEM_ERROR})


def silent_name_server(bench: Bench) -> None:
    """While nobody can say who a client is, no wider entry decides; a client that an earlier entry means is served."""
    table, resolver = bench.directory / "exports", bench.directory / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.9\noptions timeout:1 attempts:1\n")
    table.write_text(f"{bench.export} 127.0.0.1(rw,insecure) guest.lab.example(ro,insecure) *(rw,insecure)\n")
    by = ("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"', "sh", str(resolver))
    port = bench.serve_by("--exports", table, by=by)
    path = opaque(str(bench.export).encode())
    expect(udp_call(port, 100005, 3, 1, path)[:4] == bytes(4), "127.0.0.1 is refused")
    call = os.urandom(4) + struct.pack(">IIIII", 0, 2, 100005, 3, 1) + b"\0" * 16 + path
    length = struct.unpack(">I", udp_call(port, 100005, 3, 1, path)[4:8])[0]
    handle = opaque(udp_call(port, 100005, 3, 1, path)[8 : 8 + length])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.2", 0))
        client.connect(("127.0.0.1", port))
        client.send(call)
        client.settimeout(10)
        # A call with the root's handle is told to come later; MNT before it has no answer.
        client.send(os.urandom(4) + struct.pack(">IIIII", 0, 2, 100003, 3, 1) + b"\0" * 16 + handle)
        reply = client.recv(1000)
        status = struct.unpack(">I", reply[24:28])[0]
        if reply[:4] == call[:4]:
            raise Failed(f"MNT is answered: {status}")
        expect(status == 10008, f"GETATTR: {status}, not JUKEBOX")
    await_condition(lambda: "the name service does not answer about" in log_of(bench), "the log to say so")
    waits = (f"warning: mount by 127.0.0.2 of '{bench.export}' waits: {bench.export} has entries with names, but the name service did not "
             "answer for this client")  # fmt: skip
    await_condition(lambda: waits in log_of(bench), f"the log to say: {waits}")


CASES = {
    "trust.mapped_sources": mapped_sources,
    "trust.short_datagrams": short_datagrams,
    "trust.silent_name_server": silent_name_server,
}
