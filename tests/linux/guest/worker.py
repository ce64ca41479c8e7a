"""Runs in the guest: takes orders, runs each case in a process of its own, tidies up after it."""

import faulthandler
import multiprocessing.connection
import os
import pathlib
import subprocess
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import suite  # noqa: E402
from guest.lab import Lab  # noqa: E402


def run(connection, name: str, facts: dict) -> None:
    """In the child: the case, and why it failed."""
    lab = Lab(connection, facts)
    faulthandler.dump_traceback_later(facts["seconds"] - 1)  # then the host ends the guest
    try:
        suite.CASES[name].run(lab)
    except BaseException as error:
        traceback.print_exc()
        connection.send(("failed", f"{type(error).__name__}: {error}"))
    else:
        connection.send(("passed", ""))


def fork_apart(guest: int) -> int:
    """As fork(), but the child's pid is odd in guest 1 and even in guest 2.

    Linux makes the verifier of an exclusive CREATE of its uptime in 1/100 s and the pid: had both
    guests the same, the server would have to take one's call for the other's, repeated.
    """
    while True:
        child = os.fork()
        fits = (child or os.getpid()) % 2 == guest % 2
        if fits:
            return child
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)


def unmount_all() -> None:
    with open("/proc/self/mounts") as mounts:
        points = [line.split()[1] for line in mounts if line.split()[2].startswith("nfs")]
    for point in reversed(points):
        subprocess.run(["umount", "-f", "-l", point], check=False)


def main() -> None:
    suite.load()
    host, _, port = os.environ["CONTROL"].rpartition(":")
    connection = multiprocessing.connection.Client((host, int(port)))
    while True:
        order = connection.recv()
        if order[0] != "run":
            break
        print(f"--- {order[1]}", flush=True)
        child = fork_apart(int(os.environ["GUEST"]))
        if child == 0:
            run(connection, *order[1:])
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        unmount_all()
        connection.send(("ended", os.waitstatus_to_exitcode(status)))


main()
