"""Records the loopback interface and has tshark judge what was said."""

import pathlib
import signal
import socket
import subprocess

from bench import Failed, await_condition

# accept_stat and reject_stat, RFC 5531 section 9.
PROGRAM_MISMATCH = ("0", "2")
PROCEDURE_UNAVAILABLE = ("0", "3")


class Capture:
    def __init__(self, path: pathlib.Path):
        self._path = path
        self._process: subprocess.Popen | None = None

    def __enter__(self):
        self._path.parent.mkdir(parents=True, exist_ok=True)
        errors = self._path.with_suffix(".err")
        self._process = subprocess.Popen(
            ["dumpcap", "-q", "-P", "-B", "64", "-i", "lo", "-w", self._path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors.open("wb"),
        )  # fmt: skip
        await_condition(lambda: b"File:" in errors.read_bytes(), "dumpcap to listen")
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def finish(self) -> None:
        """Returns when all that was said is in the file: a last datagram shows that."""
        marker = b"end of the berth clients test"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

            def has_arrived():
                sender.sendto(marker, ("127.0.0.1", 9))
                return marker in self._path.read_bytes()[-65536:]

            await_condition(has_arrived, "the capture to be complete")
        self._process.send_signal(signal.SIGINT)
        self._process.wait(15)

    def check(self, allowed: frozenset, ports: set[int]) -> None:
        """No malformed packet; no refusal but the allowed (reply_stat, accept_stat) pairs."""
        decode = [word for port in sorted(ports) for word in ("-d", f"tcp.port=={port},rpc", "-d", f"udp.port=={port},rpc")]
        fields = [word for field in ("frame.number", "rpc.replystat", "rpc.state_accept", "_ws.malformed") for word in ("-e", field)]
        done = subprocess.run(
            ["tshark", "-r", self._path, "-n", "-Y", "rpc.msgtyp == 1 || _ws.malformed", "-T", "fields",
             "-E", "separator=|", "-E", "aggregator=,", *decode, *fields],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failed(f"tshark: {done.stderr}")
        replies = 0
        for line in done.stdout.splitlines():
            frame, denied, accepted, malformed = line.split("|")
            # TCP may send what was not acknowledged once more, cut otherwise.
            if malformed and "(retransmission?)" not in malformed:
                raise Failed(f"frame {frame} is malformed: {malformed}")
            for pair in zip(denied.split(","), accepted.split(",") or [""], strict=False):
                replies += 1
                if pair != ("0", "0") and pair not in allowed:
                    raise Failed(f"frame {frame}: the call was refused (reply_stat, accept_stat) = {pair}")
        if replies == 0:
            raise Failed("tshark saw no RPC reply at all")
