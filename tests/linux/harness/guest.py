"""A guest: user-mode-linux as an NFS client of its own, and the cases it is told to run.

The guest's root is this machine's file tree, read only (hostfs). guest/init brings it up,
the worker (guest/worker.py, unless told otherwise) connects back to us; orders and answers go over
that connection, pickled.
"""

import contextlib
import multiprocessing.connection
import os
import pathlib
import signal
import subprocess
import time

from harness.network import SERVER_IPV4, Network

BOOT_SECONDS = 180  # two, on a machine that does nothing else
CONSOLE_LINES = 60
SUITE = pathlib.Path(__file__).resolve().parents[1]
WORKER = SUITE / "guest" / "worker.py"


class Lost(Exception):
    """The guest did not answer in time, or died."""


def build_preload(directory: pathlib.Path) -> pathlib.Path:
    """Compiles what mends linux.uml; each file there says what."""
    library = directory / "preload.so"
    sources = sorted((SUITE / "harness" / "preload").glob("*.cpp"))
    compiler = os.environ.get("CXX", "g++")
    subprocess.run(
        [compiler, "-std=c++20", "-O2", "-shared", "-fPIC", *sources, "-o", library], check=True
    )
    return library


class Guest:
    """Guest number `number`, booted when first needed and again after it was lost."""

    def __init__(
        self, number: int, network: Network, logs: pathlib.Path, preload: pathlib.Path,
        worker: pathlib.Path = WORKER,
    ):  # fmt: skip
        self.number = number
        self._worker = worker
        self.console = logs / f"guest-{number}.log"
        self.console.touch()
        self._network, self._preload = network, preload
        self._kept = preload.parent / f"guest-{number}"  # /var/lib/nfs, from one boot to the next
        self._kept.mkdir(exist_ok=True)
        self._process: subprocess.Popen | None = None
        self._connection = None
        self._ended = False
        address = (SERVER_IPV4, 0)
        self._listener = network.call(lambda: multiprocessing.connection.Listener(address))

    def _command(self) -> list[str]:
        port = self._listener.address[1]
        return self._network.inside(
            # UML leaves its pid file in HOME, and its memory where TMPDIR says: without, /dev/shm.
            "env", "-i", f"LD_PRELOAD={self._preload}", f"HOME={self._preload.parent}", "linux.uml",
            "mem=768M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
            f"vec0:transport=tap,ifname=tap{self.number},depth=128,gro=1",  # without gro TCP crawls
            "con=null", "con0=fd:0,fd:1", "quiet", "panic=-1",
            # What the kernel does not know it gives to init as its environment.
            f"init={SUITE}/guest/init", f"SUITE={self._worker.parents[1]}", f"GUEST={self.number}",
            f"WORKER={self._worker.parent.name}/{self._worker.name}", f"CONTROL={SERVER_IPV4}:{port}",
            f"KEPT={self._kept}",
        )  # fmt: skip

    def boot(self) -> None:
        """Returns when the guest is ready for orders; raises Lost."""
        if self._process:
            return
        if self._ended:
            raise Lost("was ended")
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=console,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        # The Listener has no time limit of its own, but its socket can be waited for.
        self._await(self._listener._listener._socket, BOOT_SECONDS, "did not boot")
        self._connection = self._listener.accept()

    def _await(self, source, seconds: float, otherwise: str) -> None:
        """Until there is something to receive; Lost when time is up or the guest has died."""
        deadline = time.monotonic() + seconds
        process = self._process
        while not multiprocessing.connection.wait([source], 0.2):
            if process.poll() is not None:
                raise Lost("was ended" if self._ended else "died")
            if time.monotonic() > deadline:
                raise Lost(otherwise)

    def send(self, *message) -> None:
        self._connection.send(message)

    def receive(self, seconds: float):
        """The guest's next message; Lost when there is none in that time."""
        self._await(self._connection, seconds, "hangs")
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            raise Lost("died") from None

    def _kill(self) -> None:
        """Ends the guest's processes at once, by the group that was started for it."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def forget(self) -> None:
        """After it was lost, or to have its power fail: the next boot() begins anew."""
        self._kill()
        if self._process:
            self._process.wait()
        if self._connection:
            self._connection.close()
        self._process = self._connection = None

    def end(self) -> None:
        """For good. Fit for a signal handler: who waits for the guest finds it dead."""
        self._ended = True
        self._kill()

    def power_off(self) -> None:
        if self._connection:
            try:
                self.send("power off")
                self._process.wait(15)
            except (OSError, subprocess.TimeoutExpired):
                pass
        self.forget()

    def close(self) -> None:
        self.forget()
        self._listener.close()

    def last_words(self, since: int = 0) -> list[str]:
        """The last lines of the console, as far as they were written after `since` bytes."""
        with self.console.open("rb") as console:
            console.seek(since)
            text = console.read().decode(errors="replace").replace("\r", "")
        return text.splitlines()[-CONSOLE_LINES:]
