"""What a case holds in its hand: its directory, mounting it, the server's view, the other guest."""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import traceback
import typing


class Remote:
    """The server's own view (harness/local.py): lab.local.stat("a") runs there and answers here."""

    def __init__(self, connection):
        self._connection = connection

    def __getattr__(self, name: str):
        def call(*arguments):
            self._connection.send(("call", name, arguments))
            value, error = self._connection.recv()
            if error:
                raise error
            return value

        return call


class Lab:
    """One per case and guest."""

    def __init__(self, connection, facts: dict):
        self.client: int = facts["client"]  # 1 or 2
        self.long: bool = facts["long"]
        self.host: str = facts["host"]  # the server's address
        self.port: int = facts["port"]
        self.export: str = facts["export"]  # as the mount command names it
        self.directory: str = facts["directory"]  # of this case, below the export
        self.local = Remote(connection)
        self._portmap: bool = facts["portmap"]

    def meet(self, value=None):
        """Waits until the other guest is here too; what it brought."""
        return self.local.meet(value)

    def lose_power(self) -> typing.NoReturn:
        """This guest dies at once, with all it has. The other one meets it twice more: then it is
        dead; then it boots."""
        self.local.lose_power()
        raise AssertionError("alive after the power has failed")

    def scaled(self, normal: int, long: int) -> int:
        return long if self.long else normal

    def try_mount(self, options: str = "", what: str | None = None, host: str = ""):
        """mount(8) as typed: its result and the mount point. `what` defaults to the export."""
        point = tempfile.mkdtemp(dir="/mnt")
        command = ["mount", "-t", "nfs", f"{host or self.host}:{what or self.export}", point]
        if options:
            command[3:3] = ["-o", options]
        return subprocess.run(command, capture_output=True, text=True), point

    def mount(self, options: str = "", what: str | None = None, host: str = "") -> str:
        """Mounts with exactly these options; the mount point."""
        result, point = self.try_mount(options, what, host)
        if result.returncode:
            raise AssertionError(f"{' '.join(result.args)}: {result.stderr.strip()}")
        return point

    def reach(self) -> str:
        """The options that reach this case's server, however it is found."""
        if self._portmap:
            return "vers=3"
        port = self.port
        return f"vers=3,proto=tcp,port={port},mountproto=tcp,mountport={port},nolock"

    def work(self, options: str = "") -> str:
        """Mounts the export and goes to the case's directory in it; the path there."""
        point = self.mount(",".join(filter(None, [self.reach(), options])))
        path = os.path.join(point, self.directory)
        os.chdir(path)
        return path

    def unmount(self, point: str) -> None:
        os.chdir("/")
        result = subprocess.run(["umount", point], capture_output=True, text=True)
        if result.returncode:
            raise AssertionError(f"umount {point}: {result.stderr.strip()}")

    def forget(self) -> None:
        """Empties the client's caches, so that the next read asks the server."""
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def as_user(user: int, group: int, groups: list[int], function) -> None:
    """Runs `function()` in a child process with that identity; what it raises fails the case."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups(groups)
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status:
        raise AssertionError(f"as user {user}: see the lines above")


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from place to place and from seed to seed."""
    return random.Random(seed).randbytes(size)


def put(path, data: bytes, mode: int = 0o644) -> None:
    """Creates or overwrites, and closes."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)


def get(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()
