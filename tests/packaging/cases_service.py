"""What the server tells the service manager, in the protocol of sd_notify(3)."""

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import socket
import time

from place import Place

from bench import Failed, await_condition, expect

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
WATCHDOG_USEC = 200_000
SILENCE_SECONDS = 1.5


class Manager:
    """Hears what the server says."""

    def __init__(self, place: Place):
        self.address = place.directory / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.address))

    def serve(self, place: Place, *arguments, variables: tuple[str, ...] = ()) -> None:
        place.serve_by(*arguments, "--listen", "127.0.0.1:0", "--portmap", "off",
                       by=("env", f"NOTIFY_SOCKET={self.address}", *variables))  # fmt: skip

    def next(self, seconds: float = 30) -> dict[str, str] | None:
        """The next message, or none within that time."""
        self._socket.settimeout(seconds)
        try:
            message = self._socket.recv(4096).decode()
        except (TimeoutError, BlockingIOError):
            return None
        return dict(line.split("=", 1) for line in message.splitlines())

    def await_message(self, key: str) -> dict[str, str]:
        """The next message but for signs of life."""
        while (message := self.next()) is not None:
            if key in message:
                return message
            if "WATCHDOG" not in message:
                raise Failed(f"the server said {message}, expected {key}")
        raise Failed(f"the server did not say {key}")

    def forget(self) -> None:
        while self.next(0) is not None:
            pass


def tells_that_it_serves(place: Place) -> None:
    manager = Manager(place)
    manager.serve(place, place.export)
    message = manager.await_message("READY")
    expect(message == {"READY": "1", "STATUS": "serves 1 export"}, str(message))
    place.ask_last_server_to_stop().wait()
    expect(manager.await_message("STOPPING")["STOPPING"] == "1", "no STOPPING=1")


def tells_when_it_rereads(place: Place) -> None:
    manager = Manager(place)
    config = place.directory / "berth.toml"
    config.write_text(f"directories = ['{place.export}']\n")
    manager.serve(place, "--config", config)
    manager.await_message("READY")

    def reload() -> dict[str, str]:
        before = time.monotonic_ns() // 1000
        os.kill(place.last_pid(), signal.SIGHUP)
        message = manager.await_message("RELOADING")
        expect(before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000, f"{message}, asked at {before}")
        return manager.await_message("READY")

    config.write_text(f"directories = ['{place.export}']\nmemory = ['scratch']\n")
    expect(reload()["STATUS"] == "serves 2 exports", "the second export is not counted")
    config.write_text("no such thing\n")
    expect("refused" in reload()["STATUS"], "nothing is said about the refusal")


def says_that_nothing_is_told(place: Place) -> None:
    place.serve_by(place.export, "--listen", "127.0.0.1:0", "--portmap", "off", by=("env", "NOTIFY_SOCKET=/no/such/socket"))
    log = place.directory / "berth-0.log"
    await_condition(lambda: "NOTIFY_SOCKET leads nowhere" in log.read_text(), "the log to say so")


@contextlib.contextmanager
def held(thread: int):
    """The thread does not run meanwhile; all others of its process do."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 4

    def trace(request: int) -> None:
        if libc.ptrace(request, thread, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    trace(PTRACE_SEIZE)
    trace(PTRACE_INTERRUPT)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        trace(PTRACE_DETACH)


def thread_of(pid: int, name: str) -> int:
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise Failed(f"the server has no thread {name}")


def expect_life(manager: Manager) -> None:
    manager.forget()
    for _ in range(3):
        expect(manager.next() == {"WATCHDOG": "1"}, "no sign of life")


def shows_signs_of_life(place: Place) -> None:
    """At half of the interval, while the network threads and the main thread do their work."""
    manager = Manager(place)
    manager.serve(place, place.export, "--threads", "2", variables=(f"WATCHDOG_USEC={WATCHDOG_USEC}",))
    manager.await_message("READY")
    pid = place.last_pid()
    for thread in (pid, thread_of(pid, "berth-net-0"), thread_of(pid, "berth-net-1")):
        expect_life(manager)
        with held(thread):
            manager.forget()
            said = manager.next(SILENCE_SECONDS)
            expect(said is None, f"{said}, while thread {thread} does not run")
        expect_life(manager)
    log = place.directory / "berth-0.log"
    expect(re.search("network threads do not answer", log.read_text()), "the log says nothing")


def is_silent_unless_asked(place: Place) -> None:
    """The interval is meant for another process."""
    manager = Manager(place)
    manager.serve(place, place.export, variables=(f"WATCHDOG_USEC={WATCHDOG_USEC}", "WATCHDOG_PID=1"))
    manager.await_message("READY")
    expect(manager.next(SILENCE_SECONDS) is None, "signs of life that nobody has asked for")


CASES = {case.__name__: case for case in (
    tells_that_it_serves, tells_when_it_rereads, says_that_nothing_is_told, shows_signs_of_life, is_silent_unless_asked)}  # fmt: skip
