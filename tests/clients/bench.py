"""Servers and programs of one case, started and stopped by their pid."""

import pathlib
import re
import signal
import socket
import subprocess
import time

START_SECONDS = 30
STOP_SECONDS = 15


class Failed(Exception):
    """The server or a client did not do as it should."""


def await_condition(condition, what: str, seconds: float = START_SECONDS):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)
    return result


class Bench:
    def __init__(self, berth: pathlib.Path, directory: pathlib.Path):
        self.berth, self.directory = berth, directory
        self.export = directory / "export"
        self._servers: list[subprocess.Popen] = []
        self._others: list[subprocess.Popen] = []
        self._ports: set[int] = {111}
        self._started = 0

    def __enter__(self):
        self.export.mkdir(parents=True)
        self.export.chmod(0o777)
        return self

    def __exit__(self, *_):
        for process in (*self._servers, *self._others):
            if process.poll() is None:
                process.kill()
                process.wait()

    def ports(self) -> set[int]:
        return self._ports

    def serve(self, *options: str) -> int:
        """Starts berth with the bench's exports and returns the port it serves on, when it serves."""
        return self.serve_by(self.export, "--memory", "mem", "--squash", "none", *options)

    def serve_by(self, *arguments, by: tuple[str, ...] = ()) -> int:
        """The same with exactly these arguments; `by` becomes the server when it has done its own."""
        return self.serve_command(*by, self.berth, "serve", "--state", self.directory / "state", *arguments)

    def serve_command(self, *command) -> int:
        """The same with any command that becomes a server."""
        said = self.directory / f"berth-{self._started}.out"
        log = self.directory / f"berth-{self._started}.log"
        with said.open("wb") as out, log.open("wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self._servers.append(process)
        self._started += 1

        def has_said():
            if process.poll() is not None:
                raise Failed(f"berth ended with status {process.returncode}")
            return b"\n" in said.read_bytes()

        await_condition(has_said, "berth to say that it serves")
        port = int(re.search(r":(\d+)[ ,]", said.read_text()).group(1))
        self._ports.add(port)
        return port

    def last_pid(self) -> int:
        return self._servers[-1].pid

    def reload(self, expected: str) -> None:
        """Sends the last server SIGHUP, and waits until its log says this (a pattern) once more."""
        log = self.directory / f"berth-{self._started - 1}.log"

        def count():
            return len(re.findall(expected, log.read_text()))

        before = count()
        self._servers[-1].send_signal(signal.SIGHUP)
        await_condition(lambda: count() > before, f"the log to say {expected}")

    def unmount(self, point: pathlib.Path) -> bool:
        """Among the mounts that the last server sees; whether it could be done."""
        enter = mounts_of(self._servers[-1].pid)
        done = subprocess.run([*enter, "umount", point], capture_output=True, text=True)
        if done.returncode and "busy" not in done.stderr:
            raise Failed(f"umount {point}: {done.stderr}")
        return done.returncode == 0

    def stop_servers(self) -> None:
        """Every berth ends with status 0 on SIGTERM."""
        while self._servers:
            self.stop_last_server()

    def ask_last_server_to_stop(self) -> subprocess.Popen:
        """For those who see to its end themselves."""
        process = self._servers.pop()
        process.send_signal(signal.SIGTERM)
        return process

    def stop_last_server(self) -> None:
        process = self.ask_last_server_to_stop()
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed("berth did not end after SIGTERM") from None
        if status != 0:
            raise Failed(f"berth ended with status {status} after SIGTERM")

    def kill_servers(self) -> None:
        """As a crash would: nothing is tidied up."""
        while self._servers:
            process = self._servers.pop()
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        self.stop_servers()
        for process in self._others:
            process.terminate()
            process.wait(STOP_SECONDS)

    def background(self, *command: str) -> subprocess.Popen:
        log = (self.directory / f"{pathlib.Path(command[0]).name}.log").open("wb")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._others.append(process)
        return process

    def run(self, *command, status: int = 0) -> str:
        """Runs a client; its output. Another exit status than the expected one is a failure."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, errors="replace")
        if done.returncode != status:
            raise Failed(
                f"{' '.join(map(str, command))}: exit status {done.returncode}, expected {status}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout + done.stderr

    def logs(self) -> str:
        texts = [f"--- {path.name}\n{path.read_text(errors='replace')[-4000:]}" for path in sorted(self.directory.glob("*.log"))]
        return "\n".join(texts)


def mounts_of(pid: int) -> tuple[str, ...]:
    """What makes a command see the mounts of this process, in the same root directory: this may run in a chroot."""
    return ("nsenter", f"--mount=/proc/{pid}/ns/mnt", f"--root=/proc/{pid}/root", f"--wd=/proc/{pid}/root")


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
