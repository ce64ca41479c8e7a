"""Names are bytes; and the errors that names and trees can give."""

import errno
import os

from guest import check
from guest.lab import Lab, get, put
from suite import case

NAMES = [
    b"n" * 255,
    ("ü" * 127 + "x").encode(),
    "日本語".encode() * 28,
    "größe in latin-1".encode("latin-1"),
    b"two\nlines",
    b"-rf",
    b"--",
    b" leading and trailing ",
    b"...",
    b"..hidden",
    b"\\back\\slash",
    b"tab\tand bell\a",
    b"*?[glob]",
    b"\xff\xfe\x01",
    b"con.",
    b"CASE",
    b"case",
]


@case()
def bytes_of_every_kind(lab: Lab):
    """The same bytes on both sides, whoever made the name."""
    lab.work()
    os.mkdir("ours")
    lab.local.mkdir("theirs")
    for name in NAMES:
        put(os.path.join(b"ours", name), name)
        lab.local.write(os.path.join(b"theirs", name), name)
    check.equal(lab.local.names("ours"), sorted(NAMES), "the names on the server")
    lab.forget()
    for directory in (b"ours", b"theirs"):
        check.equal(sorted(os.listdir(directory)), sorted(NAMES), "the names listed")
        for name in NAMES:
            check.equal(get(os.path.join(directory, name)), name, "the file of that name")
    for name in NAMES:
        os.rename(os.path.join(b"ours", name), os.path.join(b"theirs", name))
        os.unlink(os.path.join(b"theirs", name))
    check.equal(lab.local.names("ours") + lab.local.names("theirs"), [], "what is left")


@case()
def too_long(lab: Lab):
    lab.work()
    fits, long = "n" * 255, "n" * 256
    put(fits, b"")
    os.mkdir("d" * 255)
    for call in (os.mkdir, os.mkfifo, os.stat, os.unlink, os.listdir):
        check.fails(errno.ENAMETOOLONG, call, long)
    check.fails(errno.ENAMETOOLONG, put, long, b"")
    check.fails(errno.ENAMETOOLONG, os.symlink, "x", long)
    check.fails(errno.ENAMETOOLONG, os.link, fits, long)
    check.fails(errno.ENAMETOOLONG, os.rename, fits, long)
    check.equal(os.pathconf(".", "PC_NAME_MAX"), 255, "the longest name")
    check.equal(len(lab.local.names()), 2, "names on the server")


@case()
def errors(lab: Lab):
    """Each mistake gets its own errno, and changes nothing."""
    lab.work()
    put("file", b"")
    for directory in ("empty", "full", "full/inner"):
        os.mkdir(directory)
    put("full/inner/file", b"")
    before = lab.local.tree()
    check.fails(errno.ENOENT, os.stat, "absent")
    check.fails(errno.ENOENT, os.unlink, "absent")
    check.fails(errno.ENOENT, os.rmdir, "absent")
    check.fails(errno.ENOENT, os.rename, "absent", "other")
    check.fails(errno.ENOENT, put, "absent/file", b"")
    check.fails(errno.EEXIST, os.mkdir, "file")
    check.fails(errno.EEXIST, os.mkdir, "full")
    check.fails(errno.EEXIST, os.symlink, "x", "file")
    check.fails(errno.EEXIST, os.mkfifo, "file")
    check.fails(errno.EEXIST, os.link, "full/inner/file", "file")
    check.fails(errno.EEXIST, os.open, "file", os.O_CREAT | os.O_EXCL)
    check.fails(errno.ENOTEMPTY, os.rmdir, "full")
    check.fails(errno.ENOTEMPTY, os.rename, "empty", "full")
    check.fails(errno.ENOTDIR, os.rmdir, "file")
    check.fails(errno.ENOTDIR, os.stat, "file/below")
    check.fails(errno.ENOTDIR, put, "file/below", b"")
    check.fails(errno.ENOTDIR, os.rename, "empty", "file")
    check.fails(errno.ENOTDIR, os.listdir, "file")
    check.fails(errno.EISDIR, os.unlink, "empty")
    check.fails(errno.EISDIR, os.rename, "file", "empty")
    check.fails(errno.EISDIR, os.open, "empty", os.O_WRONLY)
    check.fails(errno.EINVAL, os.rename, "full", "full/inner/full")
    check.fails(errno.EINVAL, os.rmdir, "empty/.")
    check.equal(lab.local.tree(), before, "the tree on the server")


@case()
def errors_of_stale_views(lab: Lab):
    """The same mistakes where the client's cache says otherwise, so that the server must answer."""
    lab.work("acregmin=3600,acregmax=3600,acdirmin=3600,acdirmax=3600")
    for name in ("removed", "appeared", "filled", "became-a-file"):
        os.mkdir(name)
    for name in ("gone", "also-gone"):
        put(name, b"")
    os.rmdir("appeared")
    check.fails(errno.ENOENT, os.stat, "appeared")
    lab.local.mkdir("appeared")
    lab.local.rmtree("removed")
    lab.local.write("filled/file", b"")
    lab.local.rmtree("became-a-file")
    lab.local.write("became-a-file", b"")
    lab.local.unlink("gone")
    lab.local.unlink("also-gone")
    check.fails(errno.EEXIST, os.mkdir, "appeared")
    check.fails(errno.ENOENT, os.rmdir, "removed")
    check.fails(errno.ENOTEMPTY, os.rmdir, "filled")
    check.fails(errno.ENOTDIR, os.rmdir, "became-a-file")
    check.fails(errno.ENOENT, os.unlink, "gone")
    check.fails(errno.ENOENT, os.rename, "also-gone", "elsewhere")
