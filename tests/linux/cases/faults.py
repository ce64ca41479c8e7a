"""Faults on order against the kernel's client: what a correct client makes of a server that misbehaves."""

import contextlib
import errno
import os
import socket
import threading
import time

from guest import check
from guest.lab import Lab, content, get, put
from suite import case

QUICK = "timeo=10,retrans=5"  # a reply that is lost is missed after a second


@contextlib.contextmanager
def fault(lab: Lab, *rules: str):
    """These rules hold for this client, and for it alone; how many calls they have hit, when asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((lab.host, lab.port))
        me = way.getsockname()[0]
    names = [f"{me}-{number}" for number in range(len(rules))]

    def hits() -> list[int]:
        said = dict(line.split(": ")[:2] for line in lab.local.fault("list"))
        return [int(said[name].split()[0]) for name in names]

    with contextlib.ExitStack() as added:
        for name, rule in zip(names, rules, strict=True):
            lab.local.fault("add", f"{rule} client={me} name={name}")
            added.callback(lab.local.fault, "remove", name)
        yield hits


@case(server="faults")
def lost_replies(lab: Lab):
    """Each change whose first reply is lost happens once, and the client is told so."""
    lab.work(QUICK)
    for name in ("removed", "renamed", "linked"):
        put(name, name.encode())
    os.mkdir("goes")
    changes = {
        "CREATE": lambda: put("created", b"x"),
        "MKDIR": lambda: os.mkdir("made"),
        "SYMLINK": lambda: os.symlink("target", "symlink"),
        "LINK": lambda: os.link("linked", "second"),
        "RENAME": lambda: os.rename("renamed", "other"),
        "REMOVE": lambda: os.unlink("removed"),
        "RMDIR": lambda: os.rmdir("goes"),
        "MKNOD": lambda: os.mkfifo("fifo"),
    }
    for procedure, change in changes.items():
        with fault(lab, f"{procedure} first=1 drop=reply") as hits:
            change()
            check.equal(hits(), [1], f"replies to {procedure} that were lost")
    names = {b"created", b"made", b"symlink", b"linked", b"second", b"other", b"fifo"}
    check.equal(set(lab.local.names()), names, "the names on the server")
    check.equal(os.stat("second").st_nlink, 2, "links")


@case(server="faults")
def lost_calls_and_connections(lab: Lab):
    """Calls that never ran, replies that come twice, connections that end: a tree is written and read whole."""
    lab.work(QUICK)
    files = lab.scaled(12, 100)
    with fault(
        lab,
        "NFS !NULL every=40 close=reply",
        "WRITE,READ after=5 every=5 first=3 drop=call",
        "GETATTR,LOOKUP every=9 twice=reply",
    ) as hits:
        for number in range(files):
            put(f"file-{number}", content(50_000 + number, number))
        lab.forget()
        for number in range(files):
            check.equal(get(f"file-{number}"), content(50_000 + number, number), f"file {number}")
        check.true(all(hits()), f"a rule hit nothing: {hits()}")


@case(server="faults")
def told_to_come_later(lab: Lab):
    """JUKEBOX once for every call: the client comes back, some seconds later each time."""
    lab.work()
    put("there", b"before")
    with fault(lab, "WRITE,REMOVE,CREATE jukebox=1") as hits:
        put("file", b"data")
        os.unlink("there")
        check.true(hits()[0] >= 6, f"only {hits()} were told to come later")
    check.equal(lab.local.read("file"), b"data", "the data on the server")
    check.equal(lab.local.names(), [b"file"], "the names on the server")


@case(server="faults")
def bad_cookie(lab: Lab):
    """A cookie that is refused in the middle of a listing of 10,000: every name is seen, once."""
    lab.work()
    count = 10_000
    lab.local.make_numbered("", "name-", count)
    with fault(lab, "READDIR,READDIRPLUS after=2 first=1 status=NFS3ERR_BAD_COOKIE") as hits:
        names = os.listdir(".")
        check.equal(hits(), [1], "listings that were refused")
    check.equal(len(names), count, "names")
    check.equal(len(set(names)), count, "different names")


@case(server="faults", seconds=240)
def partition(lab: Lab):
    """Silence both ways with a hard mount: the process waits, and goes on when the network is back."""
    lab.work("hard," + QUICK)
    put("file", b"before")
    seconds = lab.scaled(12, 90)
    with fault(lab, f"* until={seconds}s since=added drop=call"):
        began = time.monotonic()
        done = threading.Thread(target=put, args=("file", b"after"))
        done.start()
        time.sleep(2)
        check.true(done.is_alive(), "written although nobody answers")
        done.join()
        check.true(time.monotonic() - began >= seconds - 1, "it did not wait")
    check.equal(lab.local.read("file"), b"after", "what was written")


@case(server="faults")
def errors_reach_the_program(lab: Lab):
    """Errors on order are what the program sees, for the file that is meant and for no other."""
    lab.work()
    put("full", b"")

    def fill():
        with open("full", "wb") as file:
            file.write(b"x" * 10_000)

    with fault(lab, "WRITE path=full status=NFS3ERR_NOSPC", "READ path=fine status=NFS3ERR_IO"):
        check.fails(errno.ENOSPC, fill)
        put("fine", b"y" * 10_000)
        lab.forget()
        check.fails(errno.EIO, get, "fine")
    check.equal(get("fine"), b"y" * 10_000, "what was written")


@case(server="faults")
def short_transfers(lab: Lab):
    """READ and WRITE that do less than they were asked for: the client asks for the rest."""
    lab.work("rsize=65536,wsize=65536")
    data = content(300_000)
    with fault(lab, "READ short=5000", "WRITE short=7000") as hits:
        put("file", data)
        lab.forget()
        check.equal(get("file"), data, "what was written and read in small pieces")
        check.true(hits()[0] > 50 and hits()[1] > 35, f"too few calls: {hits()}")
    check.equal(lab.local.read("file"), data, "the file on the server")


@case(server="faults")
def another_verifier(lab: Lab):
    """COMMIT with another verifier than WRITE, once: the client writes again what it has not on disk."""
    lab.work("wsize=32768")
    data = content(200_000)
    with fault(lab, "COMMIT first=1 verifier=other", "WRITE delay=0ms") as hits:
        with open("file", "wb") as file:
            file.write(data)
            before = hits()[1]
            os.fsync(file.fileno())
        check.equal(hits()[0], 1, "commits with another verifier")
        check.true(hits()[1] - before >= 2, f"not written again: {before}, {hits()}")
    check.equal(lab.local.read("file"), data, "the file on the server")


@case(server="faults")
def stale_file(lab: Lab):
    """A handle that goes stale while the file is open: programs are told, and others go on."""
    lab.work()
    put("gone", b"x" * 100_000)
    put("stays", b"y")
    lab.forget()
    with fault(lab, "READ path=gone first=1 handles=stale"):
        check.fails(errno.ESTALE, get, "gone")
        check.equal(get("stays"), b"y", "another file")
