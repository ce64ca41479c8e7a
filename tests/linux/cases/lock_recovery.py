"""Locks when a client or the server dies, and when they come back."""

import errno
import fcntl
import os
import signal
import subprocess
import threading
import time

from cases.faults import fault
from cases.locks import holders, lock, open_file, taken, unlock, waiters
from guest import check
from guest.lab import Lab, as_user, get, put
from locking import count_up
from suite import case


def begin_to_wait(lab: Lab, then, *range_) -> int:
    """A process that waits for the exclusive lock of the range, and does `then()` when it has it."""
    child = os.fork()
    if child == 0:
        with open("file", "r+b", buffering=0) as own:
            lock(own, fcntl.LOCK_EX, *range_, wait=True)
            then()
        os._exit(0)
    check.eventually(lambda: waiters(lab) == 1, "it waits")
    return child


def await_end(waiter: int) -> None:
    check.equal(os.waitpid(waiter, 0), (waiter, 0), "who waited")


def hold_in_second(lab: Lab, file) -> None:
    """Client 2 has the lock, so that client 1 can't."""
    if lab.client == 2:
        lock(file, fcntl.LOCK_EX)
    lab.meet()
    if lab.client == 1:
        check.true(not taken(file, fcntl.LOCK_EX), "held by the other")


def restart_status_monitor() -> None:
    """As a boot does it: the notice goes out, and who asks the status monitor then hears the new number too."""
    with open("/run/rpc.statd.pid") as file:
        monitor = int(file.read())
    os.kill(monitor, signal.SIGTERM)
    check.eventually(lambda: not os.path.exists(f"/proc/{monitor}"), "the status monitor ends")
    subprocess.run(["sm-notify", "-f"], check=True)
    subprocess.run(["rpc.statd", "--no-notify"], check=True)


@case(guests=2)
def status_monitor_notifies(lab: Lab):
    """The notice of a client's status monitor, as after a crash, frees what the client held."""
    with open_file(lab) as file:
        hold_in_second(lab, file)
        waiter = begin_to_wait(lab, lambda: None) if lab.client == 1 else None
        lab.meet()
        if waiter:
            await_end(waiter)
        else:
            restart_status_monitor()
        lab.meet()
    lab.meet()


@case(guests=2, seconds=300)
def client_loses_power(lab: Lab):
    """A dead client keeps its locks until it has booted again and says so: then who waits is served."""
    with open_file(lab) as file:
        hold_in_second(lab, file)
        if lab.client == 2:
            lab.lose_power()
        lab.meet()
        check.true(not taken(file, fcntl.LOCK_EX), "still held by the dead one")
        waiter = begin_to_wait(lab, lambda: None)
        check.equal(holders(lab), 1, "who holds")
        lab.meet()
        await_end(waiter)
        check.true("10.9.0.3 (guest2) has restarted" in lab.local.server_log(), "the log says so")


@case(guests=2, seconds=300)
def released_by_the_operator(lab: Lab):
    """`berth locks release` frees what a client has that is gone: then who waits is served."""
    with open_file(lab) as file:
        hold_in_second(lab, file)
        if lab.client == 2:
            lab.lose_power()
        lab.meet()
        waiter = begin_to_wait(lab, lambda: None)
        said = lab.local.locks("release", "10.9.0.3")
        check.equal(said, ["1 lock(s) of 10.9.0.3 released"], "what the command says")
        await_end(waiter)
        check.true(taken(file, fcntl.LOCK_EX), "free")
        lab.meet()


def serves_in_grace(lab: Lab) -> None:
    """Reads and writes do not wait for those who reclaim."""
    put("written in grace", b"1" * 5000)
    check.equal(lab.local.read("written in grace"), b"1" * 5000, "what was written")
    lab.local.write("of the server", b"2")
    check.equal(get("of the server"), b"2", "what is read")
    since = lab.local.server_log().rpartition("had locks before the restart")
    check.true(since[1] and "new locks are taken" not in since[2] and "to reclaim is over" not in since[2], "in grace")


def server_restarts(lab: Lab, how: str, prepare=lambda: None) -> None:
    """Locks are reclaimed, who waits waits on and is served, and nothing is granted twice."""
    restart = lab.local.fault if how == "crash-locks" else lab.local.restart_server
    with open_file(lab) as file:
        prepare()
        lock(file, fcntl.LOCK_EX, 0 if lab.client == 1 else 20, 10)
        lab.meet()
        if lab.client == 1:
            lab.meet()
            restart(how)
            serves_in_grace(lab)
            check.eventually(lambda: holders(lab) == 2, "both have reclaimed", 60)
            check.eventually(lambda: waiters(lab) == 1, "the other waits again", 60)
            check.true(not taken(file, fcntl.LOCK_EX, 25, 1), "reclaimed by the other")
            put("released", b"1")
            unlock(file)
        else:
            check_order = lambda: check.equal(get("released"), b"1", "written before it was unlocked")
            waiter = begin_to_wait(lab, check_order, 0, 10)
            lab.meet()
            await_end(waiter)
        lab.meet()
    lab.meet()


@case(guests=2, seconds=300)
def server_killed(lab: Lab):
    """The server is killed and started again while both clients hold locks and one waits."""
    server_restarts(lab, "SIGKILL")


@case(guests=2, seconds=300)
def crash_on_command(lab: Lab):
    """The server loses all locks, as in a crash, while both clients hold some and one waits."""
    server_restarts(lab, "crash-locks")


@case(guests=2, seconds=300)
def grants_on_order(lab: Lab):
    """The word that a waiter has the lock comes late, twice or never: it gets it all the same."""
    with open_file(lab) as file:
        for rule, least, most in (("late=4s", 4, 20), ("twice=call", 0, 4), ("first=1 drop=call", 5, 60)):
            if lab.client == 1:
                lock(file, fcntl.LOCK_EX)
                lab.meet()
                lab.meet()
                unlock(file)
                lab.meet()
                continue
            lab.meet()
            with fault(lab, f"GRANTED {rule}") as hits:
                waiter = begin_to_wait(lab, lambda: None)
                began = time.monotonic()
                lab.meet()
                await_end(waiter)
                took = time.monotonic() - began
                check.true(least <= took < most, f"{rule}: {took} s")
                check.equal(hits(), [1], f"{rule}: calls")
                check.eventually(lambda: not lab.local.locks(), "nothing is left locked", 10)
            lab.meet()
    lab.meet()


@case(guests=2, seconds=300)
def server_stopped(lab: Lab):
    """The server is stopped and started again while both clients hold locks and one waits."""
    server_restarts(lab, "SIGTERM")


def work_of(user: int) -> None:
    """What users do all day: files come, go and change their names, and some calls fail."""
    for n in range(6):
        name = f"of-{user}-{n}"
        put(name, b"x" * 100, 0o600)
        os.rename(name, f"{name}.new")
        os.mkdir(f"{name}.d")
        os.rmdir(f"{name}.d")
        check.fails(errno.ENOENT, os.unlink, name)
        check.fails(errno.ENOTDIR, put, f"{name}.new/below", b"")
    check.equal(get(f"of-{user}-0.new"), b"x" * 100, "what a user wrote")


def killed_after_others_work(lab: Lab, server_user: int) -> None:
    """Whoever worked before, the server's own files are its own, and its locks survive."""

    def others_work():
        for user in (1000 + lab.client, 1100 + lab.client, 1200 + lab.client):
            as_user(user, user, [user + 5000, 100], lambda: work_of(user))
        lab.meet()

    server_restarts(lab, "SIGKILL", others_work)
    if lab.client == 1:
        owners = set(lab.local.owners_of_state().values())
        check.equal(owners, {(server_user, server_user)}, "whom the state belongs to")
        check.true("can't be written" not in lab.local.server_log(), "what the log says")
    lab.meet()


@case(server="locking", guests=2, seconds=300)
def server_killed_after_others_work(lab: Lab):
    """With default options: root is squashed, and other users' calls come before the locks."""
    killed_after_others_work(lab, 0)


@case(server="locking_rootless", guests=2, seconds=300)
def rootless_server_killed_after_others_work(lab: Lab):
    """The same where the server has no privilege, and everybody acts as its user."""
    killed_after_others_work(lab, 2000)


class Counting(threading.Thread):
    """Adds to the number until told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self._enough = threading.Event()
        self.count = 0

    def run(self) -> None:
        while not self._enough.is_set():
            count_up("file", 1)
            self.count += 1

    def goes_on(self) -> None:
        before = self.count
        check.eventually(lambda: self.count > before, "counting goes on", 90)

    def finish(self) -> int:
        self._enough.set()
        self.join()
        return self.count


@case(guests=2, seconds=400)
def counter_while_the_server_is_killed(lab: Lab):
    """Both clients add to a number under a lock all the while, and a local process whenever the
    server runs: none is lost. (While it does not run, local processes see no locks of clients.)"""
    locally, kills = 20, lab.scaled(1, 3)
    open_file(lab).close()
    counting = Counting()
    counting.start()
    lab.meet()
    if lab.client == 1:
        for _ in range(kills):
            counting.goes_on()
            lab.local.restart_server("SIGKILL")
            counting.goes_on()
            lab.local.count_up("file", locally)
            lab.local.let_go()
    lab.meet()
    count = counting.finish()
    total = count + lab.meet(count) + locally * kills
    check.equal(int(get("file")), total, "the number")
    lab.meet()
