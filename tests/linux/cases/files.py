"""Regular files, links and special files: contents and metadata on both sides."""

import errno
import os
import socket
import stat

from guest import check
from guest.lab import Lab, content, get, put
from suite import case

SIZES = (0, 1, 4095, 4096, 4097, 2**20 + 3)


@case()
def sizes(lab: Lab):
    """Files of telling sizes, written by the client and by the server, read by the other."""
    lab.work()
    for size in SIZES:
        data = content(size, 1)
        put(f"ours-{size}", data)
        check.equal(lab.local.read(f"ours-{size}"), data, f"{size} bytes on the server")
        lab.local.write(f"theirs-{size}", content(size, 2))
    lab.forget()
    for size in SIZES:
        check.equal(os.stat(f"ours-{size}").st_size, size, "the size of ours")
        check.equal(get(f"ours-{size}"), content(size, 1), f"{size} bytes back")
        check.equal(get(f"theirs-{size}"), content(size, 2), f"{size} bytes of the server's")


@case()
def append_truncate_extend(lab: Lab):
    lab.work()
    data = content(10000)
    put("file", data)
    with open("file", "ab") as file:
        file.write(b"more")
    check.equal(lab.local.read("file"), data + b"more", "appended")
    os.truncate("file", 4097)
    check.equal(lab.local.read("file"), data[:4097], "truncated")
    os.truncate("file", 100000)
    check.equal(lab.local.read("file"), data[:4097].ljust(100000, b"\0"), "extended")
    with open("file", "r+b") as file:
        file.seek(200000)
        file.write(b"past the end")
        file.seek(5)
        file.write(b"within")
    wanted = (data[:5] + b"within" + data[11:4097]).ljust(200000, b"\0") + b"past the end"
    check.equal(lab.local.read("file"), wanted, "written within and past the end")
    lab.forget()
    check.equal(get("file"), wanted, "read back")
    put("file", b"")
    check.equal(lab.local.stat("file").st_size, 0, "the size after O_TRUNC")


def _silly(lab: Lab) -> list[bytes]:
    """The names that the client keeps for files that are open though deleted."""
    return [name for name in lab.local.names() if name.startswith(b".nfs")]


@case()
def renamed_over_while_open(lab: Lab):
    lab.work()
    put("old", b"the old one")
    put("new", b"the new one")
    with open("old", "rb") as file:
        os.rename("new", "old")
        check.equal(lab.local.read("old"), b"the new one", "what is there now")
        check.equal(len(_silly(lab)), 1, "files kept for the one who reads")
        lab.forget()
        check.equal(file.read(), b"the old one", "what was opened")
    check.eventually(lambda: lab.local.names() == [b"old"], "only the new file is left")


@case()
def renamed_while_open(lab: Lab):
    """An open file follows its name, into another directory too."""
    lab.work()
    os.mkdir("there")
    with open("here", "w+b", buffering=0) as file:
        file.write(b"one ")
        os.rename("here", "there/renamed")
        file.write(b"two")
        lab.forget()
        file.seek(0)
        check.equal(file.read(), b"one two", "read through the open file")
    check.equal(lab.local.read("there/renamed"), b"one two", "on the server")


@case()
def unlinked_while_open(lab: Lab):
    """A deleted file lives on as .nfs... for as long as it is open, and then is gone."""
    lab.work()
    os.mkdir("directory")
    with open("file", "w+b", buffering=0) as file:
        file.write(b"still here")
        os.unlink("file")
        check.fails(errno.ENOENT, os.stat, "file")
        check.equal(len(_silly(lab)), 1, "files kept on the server")
        lab.forget()
        file.seek(0)
        check.equal(file.read(), b"still here", "read after the deletion")
        file.write(b", and longer")
        file.truncate(30)
        check.equal(os.fstat(file.fileno()).st_size, 30, "the size after the deletion")
    check.eventually(lambda: lab.local.names() == [b"directory"], "the file is gone")


@case()
def hard_links(lab: Lab):
    lab.work()
    put("first", b"shared")
    os.mkdir("directory")
    os.link("first", "directory/second")
    os.symlink("first", "symbolic")
    os.link("symbolic", "symbolic-too", follow_symlinks=False)
    first, second = os.stat("first"), os.stat("directory/second")
    check.equal((first.st_ino, first.st_nlink), (second.st_ino, 2), "one file, two names")
    check.equal(lab.local.stat("first").st_nlink, 2, "names on the server")
    check.true(stat.S_ISLNK(lab.local.stat("symbolic-too").st_mode), "a link to a link is a link")
    check.fails(errno.EEXIST, os.link, "first", "directory/second")
    put("directory/second", b"changed through the second name")
    check.equal(get("first"), b"changed through the second name", "read through the first")
    os.unlink("first")
    check.equal(os.stat("directory/second").st_nlink, 1, "names that are left")
    check.equal(lab.local.read("directory/second"), b"changed through the second name", "content")


@case()
def symbolic_links(lab: Lab):
    """Targets are bytes up to the protocol's 1024; attributes of the link are its own."""
    lab.work()
    put("target", b"reached")
    targets = [b"target", b"x" * 1000, b"/" + b"y/" * 511, b"na\xefve \xff\n", b"../.."]
    targets.append("größe".encode())
    for n, target in enumerate(targets):
        os.symlink(target, f"link-{n}".encode())
        check.equal(lab.local.readlink(f"link-{n}"), target, "the target on the server")
    lab.local.symlink(b"z" * 1000, "theirs")
    lab.forget()
    for n, target in enumerate(targets):
        check.equal(os.readlink(f"link-{n}".encode()), target, "the target read back")
        check.equal(os.lstat(f"link-{n}").st_size, len(target), "the size of a link")
    check.equal(os.readlink("theirs"), "z" * 1000, "the target the server made")
    check.equal(get("link-0"), b"reached", "through the link")
    check.fails(errno.ENAMETOOLONG, os.stat, "theirs")
    check.fails(errno.EINVAL, os.readlink, "target")
    before = os.stat("target")
    os.utime("link-0", ns=(10**9, 2 * 10**9 + 3), follow_symlinks=False)
    os.chown("link-0", 1234, 1235, follow_symlinks=False)
    link = lab.local.stat("link-0")
    check.equal((link.st_uid, link.st_gid), (1234, 1235), "the owner of the link")
    check.equal(link.st_mtime_ns, 2 * 10**9 + 3, "the time of the link")
    after = lab.local.stat("target")
    check.equal(after.st_uid, before.st_uid, "the owner of the target")
    check.equal(after.st_mtime_ns, before.st_mtime_ns, "the time of the target")
    os.symlink("loop", "loop")
    check.fails(errno.ELOOP, os.stat, "loop")


@case()
def special_files(lab: Lab):
    """FIFOs, sockets and device nodes are made there and work here."""
    lab.work()
    os.umask(0)
    os.mkfifo("fifo", 0o640)
    os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod("block", stat.S_IFBLK | 0o600, os.makedev(259, 70000))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind("socket")
        listener.listen()
        caller.connect("socket")
    kinds = {
        "fifo": stat.S_ISFIFO,
        "null": stat.S_ISCHR,
        "block": stat.S_ISBLK,
        "socket": stat.S_ISSOCK,
    }
    for name, is_kind in kinds.items():
        here, there = os.lstat(name), lab.local.stat(name)
        check.true(is_kind(here.st_mode) and is_kind(there.st_mode), f"{name} is what it is")
        check.equal(here.st_mode, there.st_mode, f"the mode of {name}")
        check.equal(here.st_rdev, there.st_rdev, f"the device of {name}")
    check.equal(lab.local.stat("fifo").st_mode & 0o7777, 0o640, "the mode asked for")
    check.equal(os.lstat("block").st_rdev, os.makedev(259, 70000), "a large device number")
    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    put("fifo", b"through the pipe")
    check.equal(os.read(reader, 100), b"through the pipe", "what comes through the FIFO")
    os.close(reader)
    put("null", b"swallowed")
    check.equal(get("null"), b"", "what the null device gives")
    for name in kinds:
        os.unlink(name)
    check.equal(lab.local.names(), [], "what is left")
