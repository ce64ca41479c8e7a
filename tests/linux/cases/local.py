"""A local process on the server changes things, and the client sees it.

At once with actimeo=0, else when it opens.
"""

import errno
import os
import stat

from guest import check
from guest.lab import Lab, content, get, put
from suite import case


@case()
def files_seen_at_once(lab: Lab):
    lab.local.write("file", b"one")
    lab.work("actimeo=0")
    check.equal(get("file"), b"one", "at first")
    lab.local.append("file", b" two")
    check.equal(os.stat("file").st_size, 7, "the size after an append")
    check.equal(get("file"), b"one two", "after an append")
    lab.local.write("file", b"SIX SIX")
    check.equal(get("file"), b"SIX SIX", "after an overwrite of the same length")
    lab.local.truncate("file", 3)
    check.equal((os.stat("file").st_size, get("file")), (3, b"SIX"), "after a truncation")
    lab.local.truncate("file", 5000)
    check.equal(get("file"), b"SIX".ljust(5000, b"\0"), "after an extension")
    with open("file", "rb", buffering=0) as file:
        check.equal(file.read(3), b"SIX", "through an open file")
        lab.local.write("file", content(9000))
        file.seek(0)
        check.equal(os.fstat(file.fileno()).st_size, 9000, "the size of the open file")
        check.equal(file.read(9000), content(9000), "the open file, changed meanwhile")
    lab.local.chmod("file", 0o604)
    lab.local.chown("file", 1234, 5678)
    lab.local.utime("file", (10**18, 10**18 + 7))
    info = os.stat("file")
    found = (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, info.st_mtime_ns)
    check.equal(found, (0o604, 1234, 5678, 10**18 + 7), "the attributes")


@case()
def names_seen_at_once(lab: Lab):
    lab.work("actimeo=0")
    check.equal(os.listdir(), [], "at first")
    check.fails(errno.ENOENT, os.stat, "file")
    lab.local.write("file", b"created")
    check.equal((os.listdir(), get("file")), (["file"], b"created"), "after the creation")
    lab.local.rename("file", "renamed")
    check.fails(errno.ENOENT, os.stat, "file")
    check.equal(get("renamed"), b"created", "after the rename")
    lab.local.write("next", b"replaced")
    lab.local.rename("next", "renamed")
    check.equal(get("renamed"), b"replaced", "after being replaced")
    lab.local.unlink("renamed")
    lab.local.mkdir("renamed")
    check.true(os.path.isdir("renamed"), "a directory where a file was")
    lab.local.write("renamed/file", b"inside")
    check.equal(get("renamed/file"), b"inside", "a file in it")
    lab.local.rmtree("renamed")
    lab.local.symlink("elsewhere", "renamed")
    check.equal(os.readlink("renamed"), "elsewhere", "a link where a directory was")


@case()
def seen_when_opened(lab: Lab):
    """With the client's usual caching every open asks anew.

    Of names that were there before it saw the directory: one that it looks up while the directory changes it
    may open for a while without asking (Linux 6.1 doesn't set the time of such an entry).
    """
    lab.local.write("file", b"")
    lab.work()
    for turn in range(20):
        lab.local.write("file", b"turn %06d" % turn)
        check.equal(get("file"), b"turn %06d" % turn, f"turn {turn}")


@case()
def deleted_while_open(lab: Lab):
    """Who has a file open that the server deletes is told so, and berth does not keep its space."""
    lab.work("actimeo=0")
    lab.local.write("file", content(100_000))
    with open("file", "r+b", buffering=0) as file:
        check.equal(file.read(), content(100_000), "read before")
        file.write(b"and written")
        os.fsync(file.fileno())
        inode = os.fstat(file.fileno()).st_ino
        lab.local.unlink("file")
        check.eventually(lambda: _stale(file.fileno()), "ESTALE for the open file", 5)
        check.eventually(lambda: not lab.local.open_in_server(inode), "berth lets go of it", 5)
    check.fails(errno.ENOENT, os.stat, "file")


def _stale(file: int) -> bool:
    try:
        os.fstat(file)
    except OSError as error:
        return error.errno == errno.ESTALE
    return False


@case()
def moved_out(lab: Lab):
    """What is moved out of the export takes its handles with it: nothing outside is served."""
    lab.local.mkdir("directory", 0o777)
    lab.local.write("directory/file", b"inside")
    lab.local.write("single", b"inside")
    lab.work("actimeo=0")
    standing = os.open("directory", os.O_RDONLY)
    single = os.open("single", os.O_RDWR)
    check.equal(get("directory/file"), b"inside", "at first")
    for name in ("directory", "single"):
        lab.local.move_out(name)
        check.fails(errno.ENOENT, os.stat, name)
    check.eventually(lambda: _stale(standing) and _stale(single), "what is outside is stale", 5)
    attempts = {
        "list": lambda: os.listdir(standing),
        "open": lambda: os.open("file", os.O_RDONLY, dir_fd=standing),
        "create": lambda: os.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=standing),
        "mkdir": lambda: os.mkdir("new", dir_fd=standing),
        "unlink": lambda: os.unlink("file", dir_fd=standing),
        "rename": lambda: os.rename("file", "brought-back", src_dir_fd=standing),
        "chmod": lambda: os.fchmod(single, 0o600),
    }
    for name, attempt in attempts.items():
        attempt.__name__ = name
        check.fails(errno.ESTALE, attempt)
    check.equal(lab.local.names_outside(), ["directory", "single"], "what is outside")
    os.close(standing)
    os.close(single)


@case()
def mounted_inside(lab: Lab):
    """What is mounted on a directory in the export is not exported with it."""
    lab.local.mkdir("point", 0o777)
    lab.local.bind("point")
    lab.work("actimeo=0")
    attempts = {
        "listing": lambda: os.listdir("point"),
        "reading": lambda: get("point/secret"),
        "creating": lambda: put("point/new", b""),
        "renaming": lambda: os.rename("point/secret", "point/found"),
        "linking": lambda: os.link("point/secret", "found"),
    }
    for what, attempt in attempts.items():
        try:
            found = attempt()
        except OSError:
            continue
        check.true(found in (None, [], ["new"]), f"{what}: {found}")
    check.equal(lab.local.names_outside(), ["secret"], "what is outside")
    put("beside", b"")
    check.equal(sorted(os.listdir()), ["beside", "point"], "what is beside it")


@case()
def links_lead_nowhere(lab: Lab):
    """A symbolic link is the client's to follow, in its own tree, wherever it points."""
    lab.local.symlink("/etc/hostname", "absolute")
    lab.local.symlink("../../../../../../../../etc/hostname", "relative")
    lab.local.symlink("/", "root")
    lab.work()
    check.equal(os.readlink("absolute"), "/etc/hostname", "the target")
    check.fails(errno.ENOTDIR, os.rmdir, "root")
    put("file", b"")
    check.fails(errno.EEXIST, os.mkdir, "root")
    os.unlink("root")
    check.equal(sorted(os.listdir()), ["absolute", "file", "relative"], "the names")
