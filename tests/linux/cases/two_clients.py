"""Two clients at once: what one has closed the other sees when it opens.

Both run each case; lab.client says who is who.
"""

import errno
import os

from guest import check
from guest.lab import Lab, content, get, put
from suite import case


@case(guests=2)
def close_to_open(lab: Lab):
    """Written and closed by one, opened and read by the other, in turn, with default caching."""
    lab.work()
    for turn in range(lab.scaled(12, 100)):
        data = content(turn * 1000 % 7000 + 1, turn)
        if lab.client == 1 + turn % 2:
            put("file", data)
            lab.meet()
        else:
            lab.meet()
            check.equal(get("file"), data, f"what the other wrote in turn {turn}")
            check.equal(os.stat("file").st_size, len(data), "its size")
        lab.meet()
    check.equal(lab.local.stat("file").st_size, len(data), "the size on the server")


@case(guests=2)
def same_size_same_second(lab: Lab):
    """Rewritten in place at once after being read: only ctime and mtime tell, and they must."""
    lab.work()
    for turn in range(lab.scaled(20, 200)):
        data = b"turn %06d" % turn
        if lab.client == 1:
            with open("file", "r+b" if turn else "wb") as file:
                file.write(data)
        lab.meet()
        if lab.client == 2:
            check.equal(get("file"), data, f"turn {turn}")
        lab.meet()


@case(guests=2)
def names_come_and_go(lab: Lab):
    """Creations, renames, deletions and new directories of one, seen by the other."""
    lab.work("acdirmin=0,acdirmax=0,acregmin=0,acregmax=0")
    if lab.client == 1:
        put("created", b"1")
        os.mkdir("directory")
        put("directory/inside", b"2")
    lab.meet()
    if lab.client == 2:
        check.equal(sorted(os.listdir()), ["created", "directory"], "after the creation")
        check.equal(get("directory/inside"), b"2", "the file inside")
        os.rename("created", "directory/renamed")
        os.rename("directory", "moved")
    lab.meet()
    if lab.client == 1:
        check.equal(os.listdir(), ["moved"], "after the renames")
        check.equal(get("moved/renamed"), b"1", "the renamed file")
        check.fails(errno.ENOENT, os.stat, "created")
        os.unlink("moved/renamed")
        put("moved/inside", b"another file of that name")
    lab.meet()
    if lab.client == 2:
        check.equal(os.listdir("moved"), ["inside"], "after the deletion")
        check.equal(get("moved/inside"), b"another file of that name", "the new file")
        os.unlink("moved/inside")
        os.rmdir("moved")
    lab.meet()
    if lab.client == 1:
        check.equal(os.listdir(), [], "after the removal")
        check.fails(errno.ENOENT, os.stat, "moved")


@case(guests=2)
def replaced_by_rename(lab: Lab):
    """A file replaced as editors do it: whoever opens afterwards has the new one, whole."""
    lab.work()
    if lab.client == 1:
        put("file", content(5000, 0))
    lab.meet()
    for turn in range(1, lab.scaled(15, 150)):
        if lab.client == 1:
            put("next", content(5000, turn))
            os.rename("next", "file")
        lab.meet()
        if lab.client == 2:
            check.equal(get("file"), content(5000, turn), f"the file of turn {turn}")
        lab.meet()


@case(guests=2)
def exclusive_race(lab: Lab):
    """Both create the same names with O_EXCL, mkdir and link: each name has exactly one winner."""
    lab.work()
    put(f"mine-{lab.client}", b"")
    lab.meet()
    attempts = {
        "file": lambda name: os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
        "directory": os.mkdir,
        "link": lambda name: os.link(f"mine-{lab.client}", name),
        "symlink": lambda name: os.symlink("x", name),
    }
    for kind, attempt in attempts.items():
        lab.meet()
        won = set()
        for n in range(lab.scaled(60, 600)):
            try:
                attempt(f"{kind}-{n}")
                won.add(n)
            except FileExistsError:
                pass
        others = lab.meet(won)
        check.equal(won & others, set(), f"won by both: {kind}")
        check.equal(len(won | others), lab.scaled(60, 600), f"won at all: {kind}")
    if lab.client == 1:
        check.equal(len(lab.local.names()), 4 * lab.scaled(60, 600) + 2, "names on the server")
    lab.meet()


@case(guests=2)
def own_parts_of_one_file(lab: Lab):
    """Both write every other block of one file, past their caches: no block is lost."""
    lab.work()
    blocks, size = lab.scaled(100, 2000), 4096
    file = os.open("file", os.O_RDWR | os.O_CREAT)
    lab.meet()
    for n in range(lab.client - 1, blocks, 2):
        os.pwrite(file, content(size, n), n * size)
        if n % 10 < 2:
            os.fsync(file)
    os.close(file)
    lab.meet()
    wanted = b"".join(content(size, n) for n in range(blocks))
    check.equal(get("file"), wanted, "the file read by each")
    check.equal(lab.local.read("file"), wanted, "the file on the server")
    lab.meet()


@case(guests=2)
def deleted_under_a_reader(lab: Lab):
    """What another client deletes is gone: ESTALE for who has it open, ENOENT for who asks."""
    lab.work("actimeo=0")
    if lab.client == 1:
        put("file", b"soon gone")
    lab.meet()
    if lab.client == 2:
        with open("file", "rb", buffering=0) as file:
            check.equal(file.read(4), b"soon", "the beginning")
            lab.meet()
            lab.meet()
            lab.forget()
            check.fails(errno.ESTALE, os.pread, file.fileno(), 100, 0)
        check.fails(errno.ENOENT, os.stat, "file")
    else:
        lab.meet()
        os.unlink("file")
        put("another", b"may get the same inode")
        lab.meet()
    lab.meet()
