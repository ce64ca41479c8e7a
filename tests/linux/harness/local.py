"""What a local process on the server sees and does in the exported directory.

Guests call these by name (guest/lab.py). Paths are relative to the case's directory; bytes or str.
"""

import hashlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading

from harness.server import SUITE, Server


class Local:
    """Acts for one case; `close()` ends what it started."""

    def __init__(self, server: Server, directory: str):
        self._server = server
        self._root = os.fsencode(server.export / directory)
        self._outside = f"{server.export}-outside-{directory}"
        self._churn: threading.Thread | None = None
        self._calm = threading.Event()
        self._processes: list[subprocess.Popen] = []

    def _at(self, path) -> bytes:
        return os.path.join(self._root, os.fsencode(path))

    # Looking

    def stat(self, path="") -> os.stat_result:
        return os.lstat(self._at(path))

    def times(self, path) -> tuple[int, int]:
        info = os.lstat(self._at(path))
        return info.st_atime_ns, info.st_mtime_ns

    def names(self, path="") -> list[bytes]:
        return sorted(os.listdir(self._at(path)))

    def read(self, path) -> bytes:
        return pathlib.Path(os.fsdecode(self._at(path))).read_bytes()

    def digest(self, path) -> str:
        with open(self._at(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def tree(self, path="") -> dict[bytes, tuple]:
        """Each name below `path`: its mode, size and digest (of a link: its target)."""
        top, seen = self._at(path), {}
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                whole = os.path.join(folder, name)
                info = os.lstat(whole)
                if os.path.islink(whole):
                    content = os.readlink(whole)
                elif os.path.isfile(whole):
                    content = self.digest(whole)
                else:
                    content = None
                size = None if os.path.isdir(whole) else info.st_size
                seen[os.path.relpath(whole, top)] = (info.st_mode, size, content)
        return seen

    def readlink(self, path) -> bytes:
        return os.readlink(self._at(path))

    def open_in_server(self, inode: int) -> bool:
        """Whether the server holds a descriptor of that file, which keeps a deleted one's space."""
        device = os.stat(self._root).st_dev
        for entry in os.scandir(f"/proc/{self._server.pid}/fd"):
            try:
                info = entry.stat()
            except FileNotFoundError:  # closed since it was listed
                continue
            if (info.st_dev, info.st_ino) == (device, inode):
                return True
        return False

    def server_memory(self) -> int:
        """The most that has been resident of the server at once, in bytes."""
        status = pathlib.Path(f"/proc/{self._server.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024

    def statvfs(self) -> os.statvfs_result:
        return os.statvfs(self._root)

    def largest_file(self, path) -> int:
        """The largest size that this file system gives a file, found by trying."""
        with open(self._at(path), "wb") as file:
            low, high = 0, 2**63
            while high - low > 1:
                middle = (low + high) // 2
                try:
                    os.ftruncate(file.fileno(), middle)
                    low = middle
                except OSError:
                    high = middle
        os.unlink(self._at(path))
        return low

    def said(self) -> list[str]:
        """What the server printed when it began to serve."""
        return self._server.said.read_text().splitlines()

    def path(self, path="") -> str:
        """The absolute path on the server, as a mount command names it."""
        return os.fsdecode(self._at(path)).rstrip("/")

    # Doing

    def write(self, path, data: bytes, mode: int = 0o644) -> None:
        """Makes or overwrites in place."""
        with open(self._at(path), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)

    def append(self, path, data: bytes) -> None:
        with open(self._at(path), "ab") as file:
            file.write(data)

    def make_many(self, path, names: list[str]) -> None:
        for name in names:
            os.close(os.open(os.path.join(self._at(path), os.fsencode(name)), os.O_CREAT, 0o644))

    def make_numbered(self, path, prefix: str, count: int) -> None:
        """Empty files "PREFIX0" and on."""
        directory = os.open(self._at(path), os.O_RDONLY)
        for n in range(count):
            os.close(os.open(f"{prefix}{n}", os.O_CREAT, 0o644, dir_fd=directory))
        os.close(directory)

    def mkdir(self, path, mode: int = 0o755) -> None:
        os.mkdir(self._at(path))
        os.chmod(self._at(path), mode)

    def symlink(self, target, path) -> None:
        os.symlink(target, self._at(path))

    def rename(self, old, new) -> None:
        os.rename(self._at(old), self._at(new))

    def unlink(self, path) -> None:
        os.unlink(self._at(path))

    def rmtree(self, path) -> None:
        shutil.rmtree(self._at(path))

    def bind(self, path) -> None:
        """Mounts a directory that is not exported, with a file `secret`, where berth sees it."""
        os.mkdir(self._outside)
        pathlib.Path(self._outside, "secret").write_bytes(b"not exported")
        self._among_its_mounts("mount", "--bind", self._outside, self._at(path))

    def mount_memory(self, path) -> None:
        """Mounts an empty file system in memory where berth sees it."""
        self._among_its_mounts("mount", "-t", "tmpfs", "-o", "size=1m", "none", self._at(path))

    def unmount(self, path) -> None:
        """Though berth has it open."""
        self._among_its_mounts("umount", "-l", self._at(path))

    def _among_its_mounts(self, *command) -> None:
        enter = ["nsenter", f"--mount=/proc/{self._server.pid}/ns/mnt", f"--root=/proc/{self._server.pid}/root"]
        subprocess.run([*enter, *command], check=True)

    def move_out(self, path) -> None:
        """Moves it to where nothing is exported, on the same file system."""
        os.makedirs(self._outside, exist_ok=True)
        os.rename(self._at(path), os.path.join(self._outside, path))

    def names_outside(self) -> list[str]:
        return sorted(os.listdir(self._outside))

    def truncate(self, path, size: int) -> None:
        os.truncate(self._at(path), size)

    def chmod(self, path, mode: int) -> None:
        os.chmod(self._at(path), mode)

    def chown(self, path, user: int, group: int) -> None:
        os.chown(self._at(path), user, group)

    def utime(self, path, ns: tuple[int, int]) -> None:
        os.utime(self._at(path), ns=ns)

    # Going on in the background

    def churn(self, path, names: int) -> None:
        """Creates and removes up to `names` entries in `path`, over and over, until calm()."""
        top = self._at(path)
        self._calm.clear()

        def run():
            for n in itertools.count():
                # Were it never the same for two calls, the client would begin anew each time.
                if self._calm.wait(0.0005):
                    break
                file = os.path.join(top, b"come-and-go-%d" % (n % names))
                if os.path.exists(file):
                    os.unlink(file)
                else:
                    os.close(os.open(file, os.O_CREAT, 0o644))

        self._churn = threading.Thread(target=run)
        self._churn.start()

    def calm(self) -> None:
        if self._churn:
            self._calm.set()
            self._churn.join()
            self._churn = None

    # Locking, as processes of their own (locking.py)

    def _lock(self, act: str, path, *rest) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, SUITE / "locking.py", act, self._at(path), *map(str, rest)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._processes.append(process)
        return process

    def hold(self, path, kind: str = "exclusive", start: int = 0, length: int = 0) -> int:
        """Locks, and holds the lock until let_go(); the process's id."""
        process = self._lock("hold", path, kind, start, length)
        process.stdout.readline()
        return process.pid

    def let_go(self) -> None:
        """Ends who holds; and waits until who counts or inserts has ended, and well."""
        while self._processes:
            process = self._processes.pop()
            _, said = process.communicate()
            if process.returncode:
                raise AssertionError(f"a local process failed: {said.decode()}")

    def count_up(self, path, times: int, way: str = "fcntl") -> None:
        self._lock("count", path, times, way)

    def can_lock(self, path, way: str) -> bool:
        """Whether a local process can lock the whole file in that way (locking.WAYS) at once."""
        command = [sys.executable, SUITE / "locking.py", "try", self._at(path), way]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return said.strip() == "True"

    def insert_rows(self, path, who: str, count: int) -> None:
        self._lock("rows", path, who, count)

    def owners_of_state(self) -> dict[str, tuple[int, int]]:
        """Whom the files in the server's state directory belong to: user and group."""
        infos = {entry.name: entry.stat() for entry in os.scandir(self._server.state)}
        return {name: (info.st_uid, info.st_gid) for name, info in infos.items()}

    def locks(self, *words: str) -> list[str]:
        """What `berth locks` says of this case's directory; with words, of those instead."""
        command = [self._server.berth, "locks", *words, "--state", str(self._server.state)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [line for line in said.splitlines() if words or self.path() in line]

    def fault(self, *words: str) -> list[str]:
        """What `berth fault` says."""
        command = [self._server.berth, "fault", *words, "--state", str(self._server.state)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    def export_as(self, text: str, expected: str = "reloaded:") -> None:
        """Has the server export this from now on; "EXPORT" in it is the exported directory."""
        self._server.export_as(text, expected)

    def restart_server(self, how: str) -> None:
        """Ends the server with SIGTERM or SIGKILL and starts it again; returns when it serves."""
        self._server.restart(signal.Signals[how])

    def server_log(self) -> str:
        return self._server.log.read_text()

    def close(self) -> None:
        self.calm()
        for process in self._processes:
            process.kill()
            process.wait()
