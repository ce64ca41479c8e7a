"""Directories: renaming, listing while they change, removing."""

import collections
import errno
import itertools
import os
import stat
import subprocess
import threading

from guest import check
from guest.lab import Lab, get, put
from suite import case

ENTRIES = 10_000
LISTING_BYTES_MAX = 64 * 2**20  # by which listings may make the server grow, however many entries


@case()
def renamed(lab: Lab):
    """A directory moves with what is in it and what is open in it."""
    lab.work()
    os.makedirs("a/b/c")
    os.mkdir("empty")
    put("a/b/c/file", b"moves along")
    check.equal(os.stat("a").st_nlink, lab.local.stat("a").st_nlink, "links to a directory")
    with open("a/b/c/file", "rb") as file:
        os.chdir("a/b/c")
        os.rename("../../../a/b", "../../../moved")
        check.equal(get("file"), b"moves along", "the file where we are")
        above = os.stat(os.getcwd() + "/../..").st_ino
        check.equal(os.stat("../..").st_ino, above, "what is above")
        os.chdir("../..")
        check.equal(file.read(), b"moves along", "the open file")
    check.equal(sorted(os.listdir()), ["a", "empty", "moved"], "the names")
    check.equal(os.listdir("a"), [], "what is left there")
    check.equal(lab.local.read("moved/c/file"), b"moves along", "on the server")
    os.rename("moved", "empty")
    check.equal(lab.local.tree().keys(), {b"a", b"empty", b"empty/c", b"empty/c/file"}, "the tree")
    for name in ("a", "empty"):
        check.equal(os.stat(name).st_nlink, lab.local.stat(name).st_nlink, f"links to {name}")
    check.equal(os.stat("empty/c/..").st_ino, os.stat("empty").st_ino, "the way up")


@case()
def deep(lab: Lab):
    lab.work()
    depth = 60
    for n in range(depth):
        os.mkdir(f"level-{n}")
        os.chdir(f"level-{n}")
    put("bottom", b"reached")
    for _ in range(depth):
        os.chdir("..")
    path = "/".join(f"level-{n}" for n in range(depth)) + "/bottom"
    lab.forget()
    check.equal(get(path), b"reached", "the file at the bottom")
    check.equal(lab.local.read(path), b"reached", "the file on the server")


def _list_while_it_changes(lab: Lab, options: str) -> None:
    """While others come and go, each entry that stays is listed once and only once."""
    stay = {f"stay-{n:05}" + "-and-a-longer-name" * (n % 3) for n in range(ENTRIES)}
    lab.local.mkdir("many")
    lab.local.make_many("many", sorted(stay))
    lab.work(options)
    lab.local.churn("many", 500)
    try:
        for round_ in range(lab.scaled(2, 20)):
            lab.forget()
            listed = _listed(look=round_ % 2 == 1)
            twice = [name for name, times in listed.items() if times > 1]
            check.equal(twice[:5], [], f"listed more than once in round {round_}")
            missed = sorted(stay - listed.keys())
            check.equal((len(missed), missed[:5]), (0, []), f"not listed in round {round_}")
            others = listed.keys() - stay
            check.true(all(name.startswith("come-and-go-") for name in others), f"others: {others}")
    finally:
        lab.local.calm()
    rest = lab.local.names("many")
    check.eventually(lambda: sorted(os.listdir(b"many")) == rest, "what is there when all is calm")


def _listed(look: bool) -> collections.Counter:
    """How often each name was listed; with `look` every file that stays is looked at too."""
    names = collections.Counter()
    with os.scandir("many") as entries:
        for entry in entries:
            names[entry.name] += 1
            if look and entry.name.startswith("stay"):
                check.true(stat.S_ISREG(entry.stat().st_mode), f"{entry.name} is a file")
    return names


@case(seconds=300)
def ten_thousand_by_readdir(lab: Lab):
    _list_while_it_changes(lab, "actimeo=1,nordirplus")


@case(seconds=300)
def ten_thousand_by_readdirplus(lab: Lab):
    _list_while_it_changes(lab, "actimeo=1")


def _come_and_go(enough: threading.Event) -> None:
    for n in itertools.count():
        # Were it never the same for two calls, the client that lists would begin anew each time.
        if enough.wait(0.002):
            break
        name = f"many/come-and-go-{n % 500}"
        put(name, b"")
        os.unlink(name)


@case(server="bulk", guests=2, seconds=300)
def a_million_listed(lab: Lab):
    """While another client makes and removes entries. 50,000 of them without --long."""
    count = lab.scaled(50_000, 1_000_000)
    if lab.client == 1:
        lab.local.mkdir("many")
        lab.local.make_numbered("many", "stay-", count)
    lab.meet()
    lab.work()
    if lab.client == 2:
        enough = threading.Event()
        changing = threading.Thread(target=_come_and_go, args=[enough])
        changing.start()
        lab.meet()
        enough.set()
        changing.join()
        return
    before = lab.local.server_memory()
    try:
        seen = bytearray(count)
        with os.scandir("many") as entries:
            for entry in entries:
                kind, _, number = entry.name.rpartition("-")
                if kind == "stay":
                    seen[int(number)] += 1
        check.equal((seen.count(0), seen.count(1)), (0, count), "entries missed, and seen once")
        grown = lab.local.server_memory() - before
        check.true(grown < LISTING_BYTES_MAX, f"the server has grown by {grown} bytes")
    finally:
        lab.meet()


@case(server="bulk", seconds=300)
def removed_in_one_pass(lab: Lab):
    """rm -rf of 10,000 entries and a tree beside them."""
    lab.work()
    lab.local.mkdir("many")
    lab.local.make_many("many", [f"entry-{n}" for n in range(ENTRIES)])
    for n in range(20):
        os.makedirs(f"many/directory-{n}/below/it")
        put(f"many/directory-{n}/below/file", b"")
    check.equal(len(os.listdir("many")), ENTRIES + 20, "entries listed")
    result = subprocess.run(["rm", "-rf", "many"], capture_output=True, text=True)
    check.equal((result.returncode, result.stderr), (0, ""), "what rm said")
    check.equal(lab.local.names(), [], "what is left")


@case()
def removed_while_listed(lab: Lab):
    """Removing each entry as it is read misses none, though the directory shrinks meanwhile."""
    lab.work()
    lab.local.make_many("", [f"entry-{n}" for n in range(1000)])
    with os.scandir() as entries:
        for entry in entries:
            os.unlink(entry.name)
    check.equal(lab.local.names(), [], "what is left")


@case()
def not_empty_until_it_is(lab: Lab):
    """A directory goes when its last entry has gone, and whoever stands in it sees it gone."""
    lab.work()
    os.mkdir("directory")
    put("directory/file", b"")
    check.fails(errno.ENOTEMPTY, os.rmdir, "directory")
    os.unlink("directory/file")
    standing = os.open("directory", os.O_RDONLY)
    os.rmdir("directory")
    check.equal(lab.local.names(), [], "what is left")
    check.fails(errno.ENOENT, os.open, "file", os.O_CREAT | os.O_WRONLY, dir_fd=standing)
