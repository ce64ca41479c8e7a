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


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _is_mounted(path: str) -> bool:
    """Whether another file system is there, for whoever enters: stat(2) alone does not."""
    try:
        return os.stat(path + "/.").st_dev != os.stat(".").st_dev
    except PermissionError:  # the server has not seen it yet
        return False


@case(server="crossing", seconds=240)
def mounted_below(lab: Lab):
    """crossmnt: what is mounted in the export is there too, a file system of its own."""
    lab.local.export_as("EXPORT *(rw,no_root_squash,crossmnt)\n")
    work = lab.work()
    os.chdir("..")
    check.true("mounted" in os.listdir(), "the mount point is listed")
    check.true(_is_mounted("mounted"), "it is another file system")
    check.equal(os.stat("mounted/.").st_ino, 2, "the number of its root")
    os.mkdir("mounted/directory")
    put("mounted/directory/file", content(300_000))
    check.equal(os.stat("mounted/..").st_ino, os.stat(".").st_ino, "the way up")
    check.equal(lab.local.names("../mounted"), [], "what it covers on the server")

    mounted = int(_lines("df", "--output=size", "-B1", "mounted")[1])
    check.true(mounted < 2**25 < int(_lines("df", "--output=size", "-B1", ".")[1]), "df's sizes")
    check.equal(_lines("find", ".", "-xdev", "-path", "*/directory*"), [], "found by find -xdev")
    found = sorted(_lines("find", "mounted/directory"))
    check.equal(found, ["mounted/directory", "mounted/directory/file"], "found by find")

    there = os.path.join(work, "moved")
    check.fails(errno.EXDEV, os.rename, "mounted/directory/file", there)
    check.fails(errno.EXDEV, os.link, "mounted/directory/file", there)
    _lines("mv", "mounted/directory/file", there)
    check.equal(get(there), content(300_000), "what mv copied")
    check.equal(os.listdir("mounted/directory"), [], "what mv left")

    put("mounted/directory/kept", content(50_000, 1))
    with open("mounted/directory/kept", "r+b", buffering=0) as file:
        lab.local.restart_server("SIGKILL")
        file.write(b"and more")
        os.fsync(file.fileno())
    lab.forget()
    check.equal(get("mounted/directory/kept")[:8], b"and more", "the file after a restart")
    check.equal(get("mounted/directory/kept")[8:], content(50_000, 1)[8:], "the rest of it")

    os.chdir(work)
    _come_and_go(lab)


def _come_and_go(lab: Lab) -> None:
    """What is mounted and unmounted while the server serves and this client has mounted."""
    lab.local.mkdir("place")
    lab.local.mount_memory("place")
    check.eventually(lambda: _is_mounted("place"), "what is mounted is seen", 5)
    put("place/file", b"in memory")
    check.equal(lab.local.names("place"), [], "what it covers")
    held = os.open("place/file", os.O_RDWR)
    lab.local.unmount("place")

    def is_stale() -> bool:
        try:
            os.fstat(held)
        except OSError as error:
            return error.errno == errno.ESTALE
        return False

    check.eventually(is_stale, "a file of what was unmounted is stale", 5)


@case(server="hidden")
def hidden_below(lab: Lab):
    """Without crossmnt neither what is mounted nor what it covers is to be had."""
    lab.local.write("../mounted/covered", b"covered")
    lab.work()
    os.chdir("..")
    check.true("mounted" in os.listdir(), "the mount point is listed")
    check.fails(errno.EACCES, os.stat, "mounted")
    check.fails(errno.EACCES, os.listdir, "mounted")
    check.fails(errno.EACCES, os.stat, "mounted/covered")
    result, _ = lab.try_mount(lab.reach(), lab.export + "/mounted")
    check.equal(result.returncode, 32, "the exit status of mounting it by its path")
    lab.local.unlink("../mounted/covered")
