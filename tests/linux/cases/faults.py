"""Faults on order against the kernel's client: what a correct client makes of a server that misbehaves."""

import os
import threading
import time

from guest import check
from guest.lab import Lab, content, get, put
from suite import case

QUICK = "timeo=10,retrans=5"  # a reply that is lost is missed after a second


def hits(lab: Lab, name: str) -> int:
    """How many calls the rule of that name has hit."""
    return next(int(line.split()[1]) for line in lab.local.fault("list") if line.startswith(name + ":"))


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
        lab.local.fault("add", f"{procedure} first=1 drop=reply name=lost path=*")
        change()
        check.equal(hits(lab, "lost"), 1, f"replies to {procedure} that were lost")
        lab.local.fault("remove", "lost")
    names = {b"created", b"made", b"symlink", b"linked", b"second", b"other", b"fifo"}
    check.equal(set(lab.local.names()), names, "the names on the server")
    check.equal(os.stat("second").st_nlink, 2, "links")


@case(server="faults")
def lost_calls_and_connections(lab: Lab):
    """Calls that never ran, replies on connections that end: a tree is written and read whole."""
    lab.work(QUICK)
    lab.local.fault("add", "NFS !NULL every=40 close=reply name=closed")
    lab.local.fault("add", "WRITE,READ after=5 every=30 first=5 drop=call name=dropped")
    lab.local.fault("add", "GETATTR,LOOKUP every=9 twice=reply name=twice")
    for number in range(lab.scaled(12, 100)):
        put(f"file-{number}", content(50_000 + number, number))
    lab.forget()
    for number in range(lab.scaled(12, 100)):
        check.equal(get(f"file-{number}"), content(50_000 + number, number), f"file {number}")
    for name in ("closed", "dropped", "twice"):
        check.true(hits(lab, name) > 0, f"{name} hit nothing")
    lab.local.fault("clear")


@case(server="faults")
def told_to_come_later(lab: Lab):
    """JUKEBOX for everything once: the client comes back, five seconds later each time."""
    lab.work()
    put("there", b"before")
    lab.forget()
    lab.local.fault("add", "WRITE,REMOVE,CREATE jukebox=1 name=later")
    put("file", b"data")
    os.unlink("there")
    check.true(hits(lab, "later") >= 6, "too few were told to come later")
    lab.local.fault("clear")
    check.equal(lab.local.read("file"), b"data", "the data on the server")


@case(server="faults")
def bad_cookie(lab: Lab):
    """A cookie that is refused in the middle of a listing of 10,000: every name is seen, once."""
    lab.work()
    count = 10_000
    lab.local.make_numbered("", "name-", count)
    lab.local.fault("add", "READDIR,READDIRPLUS after=2 first=1 status=NFS3ERR_BAD_COOKIE name=cookie")
    names = os.listdir(".")
    check.equal(hits(lab, "cookie"), 1, "listings that were refused")
    check.equal(len(names), count, "names")
    check.equal(len(set(names)), count, "different names")
    lab.local.fault("clear")


@case(server="faults", seconds=240)
def partition(lab: Lab):
    """Silence both ways with a hard mount: the process waits, and goes on when the network is back."""
    lab.work("hard," + QUICK)
    put("file", b"before")
    seconds = lab.scaled(12, 90)
    lab.local.fault("add", f"* until={seconds}s since=added drop=call name=silence")
    began = time.monotonic()
    done = threading.Thread(target=put, args=("file", b"after"))
    done.start()
    time.sleep(2)
    check.true(done.is_alive(), "written although nobody answers")
    done.join()
    check.true(time.monotonic() - began >= seconds - 1, "it did not wait")
    check.equal(lab.local.read("file"), b"after", "what was written")
    lab.local.fault("clear")


@case(server="faults")
def errors_reach_the_program(lab: Lab):
    """Errors on order are what the program sees, for the file that is meant and for no other."""
    lab.work()
    put("full", b"")
    put("fine", b"")
    lab.local.fault("add", "WRITE path=full status=NFS3ERR_NOSPC")
    lab.local.fault("add", "READ path=fine status=NFS3ERR_IO name=unread")

    def fill():
        with open("full", "wb") as file:
            file.write(b"x" * 10_000)

    check.fails(28, fill)
    put("fine", b"y" * 10_000)
    lab.forget()
    check.fails(5, get, "fine")
    lab.local.fault("clear")
    check.equal(get("fine"), b"y" * 10_000, "what was written")
