"""What processes do under locks, the same in the guests and as local processes on the server.

As a program it is such a local process: locking.py count PATH TIMES | rows PATH WHO COUNT |
hold PATH KIND START LENGTH (says `held`, then holds until its input ends).
"""

import fcntl
import os
import sqlite3
import sys


def count_up(path, times: int) -> None:
    """Adds one to the number in the file so many times, each under an exclusive lock."""
    file = os.open(path, os.O_RDWR)
    for _ in range(times):
        fcntl.lockf(file, fcntl.LOCK_EX)
        number = int(os.pread(file, 20, 0) or b"0")
        os.pwrite(file, b"%d" % (number + 1), 0)
        fcntl.lockf(file, fcntl.LOCK_UN)
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
        count_up(path, int(rest[0]))
    elif act == "rows":
        insert_rows(path, rest[0], int(rest[1]))
    else:
        hold(path, rest[0], int(rest[1]), int(rest[2]))
