"""The traffic of a run, and what tshark says about it: each judgement is a case of its own."""

import collections
import pathlib
import re
import signal
import subprocess
import time

from harness.network import Network
from harness.server import KINDS

NFS, MOUNT, NFSACL = 100003, 100005, 100227
PROGRAM_UNAVAILABLE, PROGRAM_MISMATCH = 1, 2
PROCEDURES = (
    "NULL GETATTR SETATTR LOOKUP ACCESS READLINK READ WRITE CREATE MKDIR SYMLINK MKNOD REMOVE RMDIR"
    " RENAME LINK READDIR READDIRPLUS FSSTAT FSINFO PATHCONF COMMIT"
).split()
# Statuses that none of the cases gives a reason for.
UNEXPECTED = {
    5: "IO",
    10001: "BADHANDLE",
    10003: "BAD_COOKIE",
    10004: "NOTSUPP",
    10006: "SERVERFAULT",
}
FIELDS = {
    "frame": "frame.number",
    "type": "rpc.msgtyp",
    "xid": "rpc.xid",
    "denied": "rpc.replystat",
    "accepted": "rpc.state_accept",
    "program": "rpc.program",
    "version": "rpc.programversion",
    "procedure": "rpc.procedure",
    "status": "nfs.status3",
    "malformed": "_ws.malformed",
    "stream": "tcp.stream",
    "from": "tcp.srcport",
    "to": "tcp.dstport",
}
ROWS_SHOWN = 10


class Capture:
    """dumpcap on the bridge, from construction to stop()."""

    def __init__(self, network: Network, directory: pathlib.Path):
        self.file = directory / "traffic.pcap"
        self._ports = [kind.port for kind in KINDS.values() if kind.captured]
        filter_ = " or ".join(f"port {port}" for port in [111, *self._ports])
        self._summary = directory / "dumpcap.log"
        self._log = self._summary.open("w")
        options = ["-q", "-P", "-B", "64", "-i", "br0", "-f", filter_, "-w", str(self.file)]
        self._process = subprocess.Popen(
            network.inside("dumpcap", *options),
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while not self.file.exists() and self._process.poll() is None:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
        self._log.close()

    def dropped(self) -> int:
        """Packets that dumpcap says it could not keep: without them the judgements are worth less."""
        found = re.search(r"received/dropped .*: \d+/(\d+)", self._summary.read_text())
        return int(found[1]) if found else -1

    def messages(self) -> list[dict[str, list[str]]]:
        """A row per frame that carries RPC or is malformed; each field a list, as on the wire."""
        command = ["tshark", "-r", self.file, "-n", "-Y", "rpc || _ws.malformed", "-T", "fields"]
        command += ["-E", "aggregator=,", "-o", "tcp.reassemble_out_of_order:TRUE"]
        for port in self._ports:
            command += ["-d", f"tcp.port=={port},rpc", "-d", f"udp.port=={port},rpc"]
        for field in FIELDS.values():
            command += ["-e", field]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [
            {name: cell.split(",") if cell else [] for name, cell in zip(FIELDS, line.split("\t"))}
            for line in text.splitlines()
        ]


def judge(capture: Capture, whole: bool, was_killed: bool) -> dict[str, str]:
    """The cases made of the capture: what is wrong by name, empty when nothing is.

    `whole`: every case was run, so that every procedure must have been seen. `was_killed`: the main
    server was, with calls under way.
    """
    rows, dropped = capture.messages(), capture.dropped()
    findings = {
        "capture.complete": [f"{dropped} packets dropped"] if dropped else [],
        "capture.malformed": [f"frame {r['frame'][0]}" for r in rows if r["malformed"]],
        "capture.refusals": [text for row in rows for text in _refusals(row)],
        "capture.statuses": [
            f"frame {row['frame'][0]}: {UNEXPECTED[int(status)]}"
            for row in rows
            for status in row["status"]
            if int(status) in UNEXPECTED
        ],
        "capture.answered": _unanswered(rows, was_killed),
    }
    if whole:
        findings["capture.procedures"] = _not_seen(rows)
    if not rows:
        findings = {name: ["nothing was captured"] for name in findings}
    return {
        name: "" if not found else f"{len(found)}: " + ", ".join(found[:ROWS_SHOWN])
        for name, found in findings.items()
    }


def _refusals(row: dict[str, list[str]]):
    """Refusals of RPC, but for the two that a Linux client asks for: NFS version 4 and NFSACL."""
    if any(int(state) for state in row["denied"]):
        yield f"frame {row['frame'][0]}: denied"
    for state in {int(accepted) for accepted in row["accepted"]} - {0}:
        program, version = int(row["program"][0]), int(row["version"][0])
        if (program, version, state) == (NFS, 4, PROGRAM_MISMATCH):
            continue
        if (program, state) == (NFSACL, PROGRAM_UNAVAILABLE):
            continue
        yield f"frame {row['frame'][0]}: accept state {state}, program {program} version {version}"


def _unanswered(rows: list[dict[str, list[str]]], was_killed: bool) -> list[str]:
    """Calls without a reply, and replies too many, over TCP to the main server. A call that a killed
    one did not answer comes again over the next connection."""
    port = str(KINDS["main"].port)
    calls, replies = collections.Counter(), collections.Counter()
    frames = {}
    for row in rows:
        if port not in row["from"] + row["to"]:
            continue
        for is_reply, xid in zip(row["type"], row["xid"]):
            key = row["stream"][0], xid
            (replies if int(is_reply) else calls)[key] += 1
            frames[key] = row["frame"][0]
    answered = {xid for _, xid in replies} if was_killed else set()
    unanswered = [key for key in calls - replies if key[1] not in answered]
    return [f"frame {frames[key]}: xid {key[1]}" for key in [*unanswered, *(replies - calls)]]


def _not_seen(rows: list[dict[str, list[str]]]) -> list[str]:
    seen = {
        (int(program), int(version), int(procedure))
        for row in rows
        for program, version, procedure in zip(row["program"], row["version"], row["procedure"])
    }
    missing = [f"NFS {name}" for n, name in enumerate(PROCEDURES) if (NFS, 3, n) not in seen]
    missing += [f"MOUNT {n}" for n in (0, 1, 3) if (MOUNT, 3, n) not in seen]
    if not any((program, version) == (NFS, 4) for program, version, _ in seen):
        missing.append("NFS version 4 NULL")
    return missing
