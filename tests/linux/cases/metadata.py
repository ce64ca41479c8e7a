"""Times, modes and owners: set here, the same there."""

import os
import stat
import time

from guest import check
from guest.lab import Lab, as_user, put
from suite import case

SECOND = 10**9
TIMES = {  # in the first and the last second Linux itself drops the fraction
    "the epoch": 0,
    "a second and a nanosecond later": SECOND + 1,
    "in 1970": 86400 * SECOND + 999_999_999,
    "in 2001": 10**9 * SECOND + 123_456_789,
    "the last of 31 bits": (2**31 - 1) * SECOND + 999_999_999,
    "in 2038": 2**31 * SECOND + 1,
    "in 2100": 4_102_444_800 * SECOND + 500_000_001,
    "almost the last of 32 bits": (2**32 - 2) * SECOND + 999_999_999,
    "the last of 32 bits": (2**32 - 1) * SECOND,
}

FIELDS = [f"st_{name}" for name in "mode ino nlink uid gid size mtime_ns ctime_ns blocks".split()]


@case()
def times(lab: Lab):
    """To the nanosecond, from 1970 to 2106, on files, directories and links."""
    lab.work()
    put("file", b"")
    os.mkdir("directory")
    os.symlink("file", "link")
    for name in ("file", "directory", "link"):
        for when, ns in TIMES.items():
            asked = (ns, TIMES["in 2001"] + ns % 7)
            os.utime(name, ns=asked, follow_symlinks=False)
            check.equal(lab.local.times(name), asked, f"{name} {when}, on the server")
            lab.forget()
            info = os.lstat(name)
            check.equal((info.st_atime_ns, info.st_mtime_ns), asked, f"{name} {when}")
    lab.local.utime("file", (TIMES["in 2038"], TIMES["in 2100"]))
    lab.forget()
    check.equal(os.stat("file").st_mtime_ns, TIMES["in 2100"], "a time that the server set")


@case()
def now(lab: Lab):
    """The server's clock stamps what happens; a write moves mtime and ctime, a read neither."""
    lab.work()
    put("file", b"first")
    start = lab.local.stat("file").st_mtime_ns
    os.utime("file", ns=(5 * SECOND, 6 * SECOND))
    os.utime("file")
    atime, mtime = lab.local.times("file")
    check.true(min(atime, mtime) >= start, "utime with the current time")
    for change in (
        lambda: put("file", b"second, longer"),
        lambda: os.truncate("file", 3),
        lambda: os.chmod("file", 0o600),
        lambda: os.link("file", "link"),
        lambda: os.rename("link", "other"),
        lambda: os.unlink("other"),
    ):
        before = lab.local.stat("file").st_ctime_ns
        _tick(lab)
        change()
        after = lab.local.stat("file")
        check.true(after.st_ctime_ns > before, "ctime moves with every change")
        check.equal(os.stat("file").st_ctime_ns, after.st_ctime_ns, "ctime on both sides")
    before = lab.local.stat("").st_mtime_ns
    _tick(lab)
    os.mkdir("directory")
    check.true(lab.local.stat("").st_mtime_ns > before, "mtime of a directory with a new entry")


def _tick(lab: Lab) -> None:
    """Returns when the server's file system stamps with a later time than before."""

    def stamp() -> int:
        lab.local.write("clock", b"tick")
        return lab.local.stat("clock").st_mtime_ns

    start = stamp()
    check.eventually(lambda: stamp() > start, "the server's clock moves")


@case()
def modes_and_owners(lab: Lab):
    lab.work()
    put("file", b"")
    os.mkdir("directory")
    for name in ("file", "directory"):
        for mode in (0, 0o1, 0o644, 0o777, 0o1755, 0o2755, 0o4755, 0o7777):
            os.chmod(name, mode)
            check.equal(stat.S_IMODE(lab.local.stat(name).st_mode), mode, f"{name} on the server")
            check.equal(stat.S_IMODE(os.stat(name).st_mode), mode, f"the mode of {name}")
        for owner in ((1000, 1000), (0, 12345), (65534, 65534), (2**31, 2**32 - 2), (0, 0)):
            os.chown(name, *owner)
            for info in (lab.local.stat(name), os.stat(name)):
                check.equal((info.st_uid, info.st_gid), owner, f"the owner of {name}")
    os.chown("file", 1000, 2000)
    os.chown("file", -1, 3000)
    info = lab.local.stat("file")
    check.equal((info.st_uid, info.st_gid), (1000, 3000), "after a change of the group alone")
    os.umask(0o027)
    os.mkdir("new-directory", 0o777)
    put("new-file", b"", 0o666)
    check.equal(stat.S_IMODE(lab.local.stat("new-directory").st_mode), 0o750, "less the umask")
    check.equal(stat.S_IMODE(lab.local.stat("new-file").st_mode), 0o640, "less the umask")


@case()
def set_user_id_is_cleared(lab: Lab):
    """Who may write a set-uid file but does not own it takes the bit away; root does not."""
    lab.work()

    def prepare(name: str, owner: int = 0) -> None:
        lab.local.write(name, b"#!/bin/true")
        lab.local.chown(name, owner, 2000)
        lab.local.chmod(name, 0o6777)

    def mode(name: str) -> int:
        return stat.S_IMODE(lab.local.stat(name).st_mode)

    def overwrite(name: str):
        def run():
            with open(name, "r+b") as file:
                file.write(b"changed")

        return run

    for name, change in {
        "written": overwrite("written"),
        "truncated": lambda: os.truncate("truncated", 3),
    }.items():
        prepare(name)
        as_user(1000, 1000, [], change)
        check.equal(mode(name), 0o777, f"the mode of a file {name} by another user")
    prepare("given-away", owner=1000)
    as_user(1000, 1000, [3000], lambda: os.chown("given-away", -1, 3000))
    check.equal(mode("given-away"), 0o777, "the mode after the owner changed the group")
    prepare("by-root")
    overwrite("by-root")()
    check.equal(mode("by-root"), 0o6777, "the mode of a file written by root")
    prepare("asked-for", owner=1000)
    as_user(1000, 2000, [], lambda: os.chmod("asked-for", 0o6755))
    check.equal(mode("asked-for"), 0o6755, "the mode that its owner asked for")


@case()
def seen_at_once(lab: Lab):
    """What the client learns from the reply of a change is what the server has."""
    lab.work()
    began = time.time_ns()
    put("file", b"12345")
    os.mkdir("directory")
    os.symlink("file", "link")
    os.mkfifo("fifo")
    for name in ("file", "directory", "link", "fifo", "."):
        here, there = os.lstat(name), lab.local.stat(name)
        for field in FIELDS:
            check.equal(getattr(here, field), getattr(there, field), f"{field} of {name}")
        check.true(abs(here.st_mtime_ns - began) < 600 * SECOND, f"mtime of {name} is about now")
    check.equal(len({os.lstat(name).st_dev for name in os.listdir()}), 1, "file systems seen")
