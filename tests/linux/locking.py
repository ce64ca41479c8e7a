"""What processes do under locks, the same in the guests and as local processes on the server.

As a program it is such a local process: locking.py count PATH TIMES WAY | rows PATH WHO COUNT |
hold PATH KIND START LENGTH (says `held`, then holds until its input ends) | try PATH WAY (says
`True` if the lock can be had at once).
"""

import fcntl
import os
import sqlite3
import struct
import sys


def lock_own(file, operation: int) -> None:
    """As lockf() the whole file, but the lock is the open file's, not the process's."""
    kinds = {fcntl.LOCK_SH: fcntl.F_RDLCK, fcntl.LOCK_EX: fcntl.F_WRLCK, fcntl.LOCK_UN: fcntl.F_UNLCK}
    command = fcntl.F_OFD_SETLK if operation & fcntl.LOCK_NB else fcntl.F_OFD_SETLKW
    kind = kinds[operation & ~fcntl.LOCK_NB]
    fcntl.fcntl(file, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0))


# The ways to lock a whole file. Each is called with the file and LOCK_SH, LOCK_EX or LOCK_UN.
WAYS = {"fcntl": fcntl.lockf, "flock": fcntl.flock, "ofd": lock_own}


def can_lock(path, way: str) -> bool:
    with open(path, "r+b") as file:
        try:
            WAYS[way](file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def count_up(path, times: int, way: str = "fcntl") -> None:
    """Adds one to the number in the file so many times, each under an exclusive lock."""
    file = os.open(path, os.O_RDWR)
    for _ in range(times):
        WAYS[way](file, fcntl.LOCK_EX)
        number = int(os.pread(file, 20, 0) or b"0")
        os.pwrite(file, b"%d" % (number + 1), 0)
        WAYS[way](file, fcntl.LOCK_UN)
    os.close(file)


def insert_rows(path, who: str, count: int) -> None:
    """Each row in a transaction of its own, in SQLite's default journal mode."""
    database = sqlite3.connect(path, timeout=240, isolation_level=None)
    for n in range(count):
        database.execute("INSERT INTO rows VALUES (?, ?)", (who, n))
    database.close()


def hold(path, kind: str, start: int, length: int) -> None:
    with open(path, "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX if kind == "exclusive" else fcntl.LOCK_SH, length, start)
        print("held", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    act, path, *rest = sys.argv[1:]
    if act == "count":
        count_up(path, int(rest[0]), rest[1])
    elif act == "rows":
        insert_rows(path, rest[0], int(rest[1]))
    elif act == "try":
        print(can_lock(path, rest[0]))
    else:
        hold(path, rest[0], int(rest[1]), int(rest[2]))
