"""Exports by a file of exports(5), and what a client notices when it is read again."""

import errno
import os
import subprocess

from guest import check
from guest.lab import Lab, content, get, put
from suite import case


def _attempt(name: str):
    def make_directory():
        os.mkdir(name)

    return make_directory


@case(server="exports", seconds=240)
def read_again_while_mounted(lab: Lab):
    """Unchanged exports are undisturbed; for reading only, for others, and taken back are noticed."""
    lab.local.export_as("EXPORT 10.9.0.0/24(rw,no_root_squash) *(ro)\n")
    work = lab.work()
    put("file", content(100_000))
    inode = os.stat("file").st_ino
    file = os.open("file", os.O_RDWR)

    # The same for us, whatever else there is; an open file goes on.
    lab.local.export_as("/ 192.0.2.1\nEXPORT *(ro) 10.9.0.0/24(no_root_squash,rw)\n")
    os.pwrite(file, b"still", 0)
    os.fsync(file)
    lab.forget()
    check.equal(get("file")[:5], b"still", "the file after reading the exports again")
    check.equal(os.stat("file").st_ino, inode, "its number")

    # A mistake changes nothing.
    lab.local.export_as("EXPORT *(ro)\n/x *(rwx)\n", "reload refused, nothing has changed")
    os.mkdir("after a mistake")

    # For reading only.
    lab.local.export_as("EXPORT 10.9.0.0/24(ro,no_root_squash)\n")
    check.fails(errno.EROFS, _attempt("read only"))
    check.fails(errno.EROFS, os.unlink, "file")
    lab.forget()
    check.equal(get("file")[:5], b"still", "the file on a read-only export")

    # Root is nobody in particular.
    lab.local.export_as("EXPORT 10.9.0.0/24(rw,anonuid=4711)\n")
    os.mkdir("of nobody")
    check.equal(lab.local.stat("of nobody").st_uid, 4711, "the owner of what root made")

    # For others only: what is open, and who comes.
    lab.local.export_as("EXPORT 192.0.2.0/24(rw)\n")
    check.fails(errno.EACCES, _attempt("denied"))
    result, _ = lab.try_mount(lab.reach())
    check.equal(result.returncode, 32, "the exit status of mounting what is for others")
    check.true("access denied" in result.stderr, f"{result.stderr!r} without 'access denied'")

    # And back again: the same mount goes on.
    lab.local.export_as("EXPORT 10.9.0.0/24(rw,no_root_squash)\n")
    os.mkdir("allowed again")
    os.close(file)

    # Not exported at all; a client that has been told so must mount anew.
    lab.local.export_as("/ 192.0.2.1\n")
    check.fails(errno.ESTALE, _attempt("stale"))
    os.chdir("/")
    subprocess.run(["umount", "-l", os.path.dirname(work)], check=True)
    lab.local.export_as("EXPORT 10.9.0.0/24(rw,no_root_squash)\n")
    lab.work()
    check.equal(get("file")[:5], b"still", "the file, mounted anew")
    names = [name.decode() for name in lab.local.names()]
    made = ["after a mistake", "allowed again", "file", "of nobody"]
    check.equal(names, made, "what was made while it was allowed")
