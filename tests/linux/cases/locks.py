"""Locks over NLM: a mount without nolock, the clients' own rpcbind, statd and lockd."""

import errno
import fcntl
import os
import struct
import time

from guest import check
from guest.lab import Lab, put
from suite import case

WHOLE = (0, 0)


def lock(file, kind: int, start: int = 0, length: int = 0, wait: bool = False) -> None:
    fcntl.lockf(file, kind | (0 if wait else fcntl.LOCK_NB), length, start)


def unlock(file, start: int = 0, length: int = 0) -> None:
    fcntl.lockf(file, fcntl.LOCK_UN, length, start)


def taken(file, kind: int, start: int = 0, length: int = 0) -> bool:
    """Whether the lock can be had at once; it stays had."""
    try:
        lock(file, kind, start, length)
    except OSError as error:
        check.true(error.errno in (errno.EAGAIN, errno.EACCES), f"errno {error.errno}")
        return False
    return True


def blocker(file, kind: int, start: int = 0, length: int = 0) -> tuple | None:
    """As F_GETLK has it: type, start and length of a lock that is in the way."""
    asked = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
    found = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))
    return None if found[0] == fcntl.F_UNLCK else (found[0], found[2], found[3])


@case(guests=2)
def contention(lab: Lab):
    """Ranges of two clients exclude each other as those of two processes do."""
    lab.work()
    if lab.client == 1:
        put("file", b"x" * 100, 0o666)
    lab.meet()
    with open("file", "r+b", buffering=0) as file:
        if lab.client == 1:
            lock(file, fcntl.LOCK_EX, 10, 10)
            lock(file, fcntl.LOCK_SH, 50, 10)
        lab.meet()
        if lab.client == 2:
            check.true(not taken(file, fcntl.LOCK_EX, 19, 5), "the other's last byte")
            check.true(not taken(file, fcntl.LOCK_SH, 0, 11), "the other's first byte")
            check.true(not taken(file, fcntl.LOCK_EX, 0, 0), "the whole file")
            check.true(taken(file, fcntl.LOCK_EX, 0, 10), "what is before")
            check.true(taken(file, fcntl.LOCK_EX, 20, 30), "what is between")
            check.true(taken(file, fcntl.LOCK_SH, 40, 30), "shared over shared")
            check.equal(blocker(file, fcntl.F_WRLCK, 0, 0), (fcntl.F_WRLCK, 10, 10), "in the way")
        lab.meet()
        if lab.client == 1:
            unlock(file, 12, 3)
        lab.meet()
        if lab.client == 2:
            check.true(taken(file, fcntl.LOCK_EX, 12, 3), "the middle that was let go")
            check.true(not taken(file, fcntl.LOCK_EX, 11, 1), "what is left before it")
            check.true(not taken(file, fcntl.LOCK_EX, 15, 1), "what is left behind it")
        lab.meet()
    lab.meet()
    if lab.client == 2:
        with open("file", "r+b", buffering=0) as file:
            check.true(taken(file, fcntl.LOCK_EX), "everything, when the other has closed it")
    lab.meet()
