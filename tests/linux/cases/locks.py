"""Locks over NLM: a mount without nolock, the clients' own rpcbind, statd and lockd."""

import errno
import fcntl
import os
import signal
import sqlite3
import struct

from guest import check
from guest.lab import Lab, put
from locking import WAYS, can_lock, count_up, insert_rows
from suite import case


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


def waiters(lab: Lab) -> int:
    return sum(": waits for " in line for line in lab.local.locks())


def holders(lab: Lab) -> int:
    return len(lab.local.locks()) - waiters(lab)


def open_file(lab: Lab):
    """The file that both guests of a case lock, made by the first."""
    lab.work()
    if lab.client == 1:
        put("file", b"0", 0o666)
    lab.meet()
    return open("file", "r+b", buffering=0)


def open_file_alone(lab: Lab):
    lab.work()
    put("file", b"0", 0o666)
    return open("file", "r+b", buffering=0)


@case(guests=2)
def blocking(lab: Lab):
    """Who waits is woken when the lock goes, in both directions, and not before."""
    with open_file(lab) as file:
        for turn in range(lab.scaled(4, 40)):
            if lab.client == 1 + turn % 2:
                lock(file, fcntl.LOCK_EX)
                lab.meet()
                check.eventually(lambda: waiters(lab) == 1, "the other waits")
                os.pwrite(file.fileno(), b"%d" % turn, 0)
                unlock(file)
            else:
                lab.meet()
                lock(file, fcntl.LOCK_EX, wait=True)
                check.equal(os.pread(file.fileno(), 9, 0), b"%d" % turn, "written before")
                unlock(file)
            lab.meet()


@case(guests=2)
def wake_up_order(lab: Lab):
    """Four wait for what a local process holds: they have it in the order of asking."""
    with open_file(lab) as file:
        if lab.client == 1:
            put("order", b"", 0o666)
            lab.local.hold("file")
        lab.meet()
        children = []
        for place in range(4):
            if place % 2 == lab.client - 1:
                child = os.fork()
                if child == 0:
                    lock(file, fcntl.LOCK_EX, wait=True)
                    with open("order", "ab") as order:
                        order.write(b"%d" % place)
                    unlock(file)
                    os._exit(0)
                children.append(child)
                check.eventually(lambda: waiters(lab) == place + 1, f"{place + 1} wait")
            lab.meet()
        if lab.client == 1:
            lab.local.let_go()
        for child in children:
            check.equal(os.waitpid(child, 0)[1], 0, "who waited")
        lab.meet()
        check.equal(lab.local.read("order"), b"0123", "the order")
        lab.meet()


@case()
def with_local_processes(lab: Lab):
    """Local processes and clients keep each other out, and a client sees when one lets go."""
    with open_file_alone(lab) as file:
        process = lab.local.hold("file", "exclusive", 5, 10)
        check.true(not taken(file, fcntl.LOCK_SH, 0, 6), "what a local process has locked")
        check.true(taken(file, fcntl.LOCK_EX, 0, 5), "what it has not")
        found = blocker(file, fcntl.F_RDLCK, 0, 0)
        check.equal(found, (fcntl.F_WRLCK, 5, 10), f"the lock of process {process}")
        child = os.fork()
        if child == 0:
            with open("file", "r+b") as own:
                lock(own, fcntl.LOCK_EX, 5, 1, wait=True)
            os._exit(0)
        check.eventually(lambda: waiters(lab) == 1, "the client waits")
        check.equal(os.waitpid(child, os.WNOHANG), (0, 0), "it waits")
        lab.local.let_go()
        check.equal(os.waitpid(child, 0), (child, 0), "woken when the local process let go")
        lab.local.hold("file", "exclusive", 5, 0)
        lab.local.let_go()


@case()
def interrupted(lab: Lab):
    """A wait that a signal ends is taken back: it does not get the lock later."""
    with open_file_alone(lab) as file:
        lab.local.hold("file")
        child = os.fork()
        if child == 0:
            try:
                lock(file, fcntl.LOCK_EX, wait=True)
            except KeyboardInterrupt:
                os._exit(0)
            os._exit(1)
        check.eventually(lambda: waiters(lab) == 1, "it waits")
        os.kill(child, signal.SIGINT)
        check.equal(os.waitpid(child, 0)[1], 0, "interrupted, without the lock")
        check.eventually(lambda: waiters(lab) == 0, "nobody waits any more")
        lab.local.let_go()
        lab.local.hold("file")
        lab.local.let_go()
        check.equal(lab.local.locks(), [], "locks left")


@case(guests=2)
def deadlock(lab: Lab):
    """Each waits for what the other has, until a signal ends one wait."""
    with open_file(lab) as file:
        mine, other = (0, 10) if lab.client == 1 else (10, 0)
        lock(file, fcntl.LOCK_EX, mine, 10)
        lab.meet()
        if lab.client == 1:

            def interrupt(*_):
                raise InterruptedError

            signal.signal(signal.SIGALRM, interrupt)
            signal.setitimer(signal.ITIMER_REAL, 2)
            check.fails_with(InterruptedError, lambda: lock(file, fcntl.LOCK_EX, other, 10, True))
            unlock(file, mine, 10)
        else:
            lock(file, fcntl.LOCK_EX, other, 10, wait=True)
        lab.meet()
    lab.meet()


@case(guests=2)
def flock(lab: Lab):
    """flock() is a lock of the whole file, for other clients and for local processes."""
    with open_file(lab) as file:
        if lab.client == 1:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lab.meet()
        if lab.client == 2:
            check.fails(errno.EAGAIN, fcntl.flock, file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            check.true(not taken(file, fcntl.LOCK_SH, 1000, 1), "fcntl() meets it too")
        lab.meet()
        if lab.client == 1:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        lab.meet()
        if lab.client == 2:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        lab.meet()
        check.equal(len(lab.local.locks()), 2, "locks on the server")
        lab.meet()
    lab.meet()
    check.eventually(lambda: not lab.local.locks(), "closing unlocks")
    lab.meet()


@case(guests=2)
def every_way(lab: Lab):
    """fcntl(), flock() and locks of an open file: each keeps out all of them, everywhere, and local
    processes, whose flock() alone is another matter."""
    with open_file(lab) as file:
        for way, lock_it in WAYS.items():
            if lab.client == 1:
                lock_it(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                check.equal(
                    [lab.local.can_lock("file", other) for other in ("fcntl", "ofd")],
                    [False, False], f"for local processes, against {way}",
                )  # fmt: skip
            lab.meet()
            for other in WAYS if lab.client == 2 else ():
                check.true(not can_lock("file", other), f"{other} against the {way} of client 1")
            lab.meet()
            if lab.client == 1:
                lock_it(file, fcntl.LOCK_UN)
                check.true(lab.local.can_lock("file", "fcntl"), f"unlocked by {way}")
            lab.meet()
        if lab.client == 1:
            lab.local.hold("file")
        lab.meet()
        for way in WAYS:
            check.true(not can_lock("file", way), f"{way} against a local process")
        lab.meet()
        if lab.client == 1:
            lab.local.let_go()
        lab.meet()


def count_together(lab: Lab, times: int, way: str, local_way: str) -> None:
    open_file(lab).close()
    if lab.client == 1:
        lab.local.count_up("file", times, local_way)
    lab.meet()
    count_up("file", times, way)
    if lab.client == 1:
        lab.local.let_go()
    lab.meet()
    with open("file", "r+b") as file:
        lock(file, fcntl.LOCK_SH, wait=True)
        check.equal(file.read(), b"%d" % (3 * times), "the number")
    lab.meet()


@case(guests=2, seconds=300)
def counter(lab: Lab):
    """Both clients and a local process add to a number under a lock: none is lost."""
    count_together(lab, lab.scaled(100, 1000), "fcntl", "fcntl")


@case(guests=2)
def counter_by_flock(lab: Lab):
    """The same under flock(), which is no other lock on the server than that of fcntl()."""
    count_together(lab, lab.scaled(50, 500), "flock", "fcntl")


@case(guests=2)
def counter_by_open_files(lab: Lab):
    """The same under locks of open files, F_OFD_SETLKW."""
    count_together(lab, lab.scaled(50, 500), "ofd", "ofd")


@case(guests=2, seconds=600)
def sqlite(lab: Lab):
    """Two clients and a local process insert rows into one database; it stays whole."""
    rows = 500
    lab.work()
    if lab.client == 1:
        made = sqlite3.connect("db")
        made.execute("CREATE TABLE rows (who TEXT, n INTEGER)")
        made.close()
        os.chmod("db", 0o666)
        lab.local.insert_rows("db", "local", rows)
    lab.meet()
    insert_rows("db", f"client {lab.client}", rows)
    if lab.client == 1:
        lab.local.let_go()
    lab.meet()
    database = sqlite3.connect("db", timeout=60)
    check.equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity")
    count = database.execute("SELECT who, count(DISTINCT n) FROM rows GROUP BY who").fetchall()
    expected = [("client 1", rows), ("client 2", rows), ("local", rows)]
    check.equal(sorted(count), expected, "rows")
    database.close()
    lab.meet()
