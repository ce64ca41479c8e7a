"""The server ends and starts again under a hard mount: the client waits, then simply goes on."""

import contextlib
import os
import threading

from guest import check
from guest.lab import Lab, content, get, put
from suite import case

BLOCK = 10_000


class Writer(threading.Thread):
    """Appends block after block, and remembers how many were written until it was told to stop."""

    def __init__(self, path: str, sync_each: int):
        super().__init__()
        self._path, self._sync_each = path, sync_each
        self._enough = threading.Event()
        self.blocks = 0
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            with open(self._path, "wb", buffering=0) as file:
                while not self._enough.is_set():
                    file.write(content(BLOCK, self.blocks))
                    self.blocks += 1
                    if self.blocks % self._sync_each == 0:
                        os.fsync(file.fileno())
        except OSError as error:
            self.error = error

    def finish(self) -> bytes:
        """Stops; what the file must contain."""
        self._enough.set()
        self.join()
        if self.error:
            raise AssertionError(f"writing {self._path}: {self.error}")
        return b"".join(content(BLOCK, n) for n in range(self.blocks))


class Changer(threading.Thread):
    """Makes, renames and removes names all the time. Only a lost reply can disturb it."""

    def __init__(self):
        super().__init__()
        self._enough = threading.Event()
        self.rounds = 0
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                os.mkdir("directory")
                put("directory/file", b"x")
                os.rename("directory/file", "directory/renamed")
                os.unlink("directory/renamed")
                os.rmdir("directory")
                self.rounds += 1
        except OSError as error:
            self.error = error

    def finish(self) -> None:
        self._enough.set()
        self.join()
        if self.error:
            raise AssertionError(f"after {self.rounds} rounds: {self.error}")


def _open_files(lab: Lab, how: str, *others) -> None:
    """Open for reading or writing, deleted, a directory half read: all go on after the restart."""
    lab.local.make_many("", [f"entry-{n}" for n in range(2000)])
    lab.work("hard")
    put("read", content(300_000, 1))
    put("deleted", content(5000, 2))
    writers = [Writer("synced", 1), Writer("lazy", 40)]
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(open("read", "rb", buffering=0))
        deleted = stack.enter_context(open("deleted", "r+b", buffering=0))
        entries = stack.enter_context(os.scandir())
        os.unlink("deleted")
        seen = {next(entries).name for _ in range(100)}
        check.equal(reader.read(1000), content(300_000, 1)[:1000], "the beginning")
        for thread in (*writers, *others):
            thread.start()
        for _ in range(lab.scaled(2, 10)):
            before = [writer.blocks for writer in writers]
            moving = lambda: all(w.blocks > n for w, n in zip(writers, before))
            check.eventually(moving, "writing", 60)
            lab.local.restart_server(how)
        lab.forget()
        check.equal(reader.read(), content(300_000, 1)[1000:], "the rest, after the restart")
        check.equal(deleted.read(), content(5000, 2), "the deleted file, after the restart")
        deleted.write(b"and more")
        seen |= {entry.name for entry in entries}
        wanted = {f"entry-{n}" for n in range(2000)}
        check.equal(wanted - seen, set(), "entries not listed across the restart")
    for writer in writers:
        data = writer.finish()
        check.true(writer.blocks > 2, f"{writer.blocks} blocks were written")
        check.equal(lab.local.read(writer._path), data, "what was written across the restart")
        check.equal(get(writer._path), data, "and read back")
    for other in others:
        other.finish()
    silly = lambda: [name for name in lab.local.names() if name.startswith(b".nfs")]
    check.eventually(lambda: not silly(), "no .nfs file is left")


@case(server="restart", seconds=300)
def killed(lab: Lab):
    """SIGKILL: what was only in the server's memory is sent again."""
    _open_files(lab, "SIGKILL")


@case(server="restart", seconds=300)
def terminated(lab: Lab):
    """SIGTERM: every request that was carried out is answered, so none is carried out twice."""
    _open_files(lab, "SIGTERM", Changer())


@case(server="rootless", seconds=300)
def rootless(lab: Lab):
    """Killed without privileges: what the kernel does not open by handle is found by the journal."""
    _open_files(lab, "SIGKILL")
    log = lab.local.server_log()
    check.true("journal" in log, f"the journal is in use: {log}")
