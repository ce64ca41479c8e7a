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


KINDS_MOUNTED = ("ext4", "xfs", "btrfs")


@case(server="crossing", seconds=240)
def mounted_below(lab: Lab):
    """crossmnt: what is mounted in the export is there too, a file system of its own."""
    lab.local.export_as("EXPORT *(rw,no_root_squash,crossmnt)\n")
    work = lab.work()
    os.chdir("..")
    # As long as this client has not mounted it too, it leaves the answer to the server.
    _can_not_be_taken_away("mounted-xfs")
    for kind in KINDS_MOUNTED:
        mounted = f"mounted-{kind}"
        check.true(mounted in os.listdir(), "the mount point is listed")
        check.true(_is_mounted(mounted), "it is another file system")
        os.mkdir(f"{mounted}/directory")
        put(f"{mounted}/directory/kept", content(50_000, 1))
        check.equal(os.stat(f"{mounted}/..").st_ino, os.stat(".").st_ino, "the way up")
        check.equal(lab.local.names(f"../{mounted}"), [], "what it covers on the server")
    mounted = int(_lines("df", "--output=size", "-B1", "mounted-ext4")[1])
    check.true(mounted < 2**25 < int(_lines("df", "--output=size", "-B1", ".")[1]), "df's sizes")
    check.equal(os.stat("mounted-ext4/.").st_ino, 2, "the number of its root")
    check.equal(_lines("find", ".", "-xdev", "-path", "*/directory*"), [], "found by find -xdev")
    found = sorted(_lines("find", "mounted-xfs/directory"))
    check.equal(found, ["mounted-xfs/directory", "mounted-xfs/directory/kept"], "found by find")
    _move_out("mounted-ext4", os.path.join(work, "moved"))
    _outlive_a_restart(lab)
    os.chdir(work)
    _come_and_go(lab)


def _can_not_be_taken_away(mounted: str) -> None:
    os.mkdir("directory")
    check.fails(errno.EACCES, os.rmdir, mounted)
    check.fails(errno.EACCES, os.rename, mounted, "renamed")
    check.fails(errno.EACCES, os.rename, "directory", mounted)
    os.rmdir("directory")


def _move_out(mounted: str, there: str) -> None:
    put(f"{mounted}/file", content(300_000))
    check.fails(errno.EXDEV, os.rename, f"{mounted}/file", there)
    check.fails(errno.EXDEV, os.link, f"{mounted}/file", there)
    _lines("mv", f"{mounted}/file", there)
    check.equal(get(there), content(300_000), "what mv copied")
    check.true("file" not in os.listdir(mounted), "mv has left it")


def _outlive_a_restart(lab: Lab) -> None:
    """Files that are open, on each kind of file system."""
    kept = [f"mounted-{kind}/directory/kept" for kind in KINDS_MOUNTED]
    files = [open(path, "r+b", buffering=0) for path in kept]
    lab.local.restart_server("SIGKILL")
    for file in files:
        file.write(b"and more")
        os.fsync(file.fileno())
        file.close()
    lab.forget()
    for path in kept:
        check.equal(get(path)[:8], b"and more", f"{path} after a restart")
        check.equal(get(path)[8:], content(50_000, 1)[8:], f"the rest of {path}")


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


def _walk(top: str) -> tuple[set[tuple[int, int]], dict[str, str]]:
    """Device and number of everything there, and what is in each file."""
    numbers, texts = [], {}
    for base, _, files in os.walk(top):
        numbers += [os.lstat(base)] + [os.lstat(os.path.join(base, name)) for name in files]
        texts |= {os.path.join(base, name): get(os.path.join(base, name)).decode() for name in files}
    told = {(status.st_dev, status.st_ino) for status in numbers}
    check.equal(len(told), len(numbers), "device and number tell all of them apart")
    return told, texts


@case(server="subvolumes", seconds=240)
def subvolumes(lab: Lab):
    """Subvolumes of btrfs, whose files have equal numbers, are file systems of their own."""
    lab.local.export_as("EXPORT/mounted-btrfs 10.9.0.0/24(rw,no_root_squash)\n")
    path = lab.export + "/mounted-btrfs"
    result, where = lab.try_mount(lab.reach(), path)
    check.equal(result.returncode, 0, "the exit status of mount")
    os.chdir(where)
    for name in ("one", "two"):
        check.equal(os.stat(f"{name}/.").st_ino, 256, "the number of a subvolume")
        check.true(os.stat(f"{name}/.").st_dev != os.stat(".").st_dev, "and its device")
        os.mkdir(f"{name}/directory")
        put(f"{name}/directory/file", name.encode())
    texts = {f"./{name}/directory/file": name for name in ("one", "two")}
    check.equal(_walk(".")[1], texts, "what is found")
    loops = subprocess.run(["find", ".", "-name", "file"], capture_output=True, text=True, check=True)
    check.equal(loops.stderr, "", "what find complains of")
    _lines("tar", "cf", "/run/all.tar", ".")
    os.mkdir("/run/out")
    _lines("tar", "xf", "/run/all.tar", "-C", "/run/out")
    for name in ("one", "two"):
        check.equal(get(f"/run/out/{name}/directory/file"), name.encode(), "what tar has copied")
    check.fails(errno.EXDEV, os.rename, "one/directory/file", "two/moved")
    held = os.open("two/directory/file", os.O_RDWR)
    os.chdir("/")
    lab.local.restart_server("SIGKILL")
    os.pwrite(held, b"TWO", 0)
    os.close(held)
    os.chdir(where)
    check.equal(get("two/directory/file"), b"TWO", "an open file of a subvolume after a restart")
    os.chdir("/")


@case(server="hidden")
def hidden_below(lab: Lab):
    """Without crossmnt neither what is mounted nor what it covers is to be had."""
    lab.local.write("../mounted-ext4/covered", b"covered")
    lab.work()
    os.chdir("..")
    check.true("mounted-ext4" in os.listdir(), "the mount point is listed")
    check.fails(errno.EACCES, os.stat, "mounted-ext4")
    check.fails(errno.EACCES, os.listdir, "mounted-ext4")
    check.fails(errno.EACCES, os.stat, "mounted-ext4/covered")
    _can_not_be_taken_away("mounted-ext4")
    result, _ = lab.try_mount(lab.reach(), lab.export + "/mounted-ext4")
    check.equal(result.returncode, 32, "the exit status of mounting it by its path")
    lab.local.unlink("../mounted-ext4/covered")
