"""Mounting in every way a Linux client knows, and being told no."""

import errno
import os
import re
import subprocess

from guest import check
from guest.lab import Lab, content, get, put
from suite import case


def _options(point: str) -> dict[str, str]:
    """The options that the kernel settled on."""
    with open("/proc/self/mounts") as mounts:
        lines = [line.split() for line in mounts]
    options = [line[3] for line in lines if line[1] == point and line[2] == "nfs"]
    return dict(item.partition("=")[::2] for item in options[0].split(","))


def _works(lab: Lab, point: str, below: str = "") -> dict[str, str]:
    """A file goes to the server and back, and the mount goes away again; the options it had."""
    options = _options(point)
    check.equal(options["vers"], "3", "the version settled on")
    data = content(70000)
    path = os.path.join(point, below, "file")
    put(path, data)
    check.equal(lab.local.read("file"), data, "the file on the server")
    lab.local.write("file", data[::-1])
    lab.unmount(point)
    with open("/proc/self/mounts") as mounts:
        check.true(not any(f" {point} nfs " in line for line in mounts), f"{point} is unmounted")
    return options


@case()
def plain(lab: Lab):
    """Without an option the client tries 4.2, 4.1 and 4.0, and must be told of 3."""
    options = _works(lab, lab.mount(), lab.directory)
    check.equal(options["proto"], "tcp", "the transport settled on")
    for size in (options["rsize"], options["wsize"]):
        check.true(int(size) >= 65536, f"a transfer size of {size} is small")


@case()
def version_3(lab: Lab):
    point = lab.mount("vers=3")
    data = content(10000)
    lab.local.write("theirs", data)
    check.equal(get(f"{point}/{lab.directory}/theirs"), data, "a file made on the server")
    _works(lab, point, lab.directory)


@case()
def ipv6(lab: Lab):
    options = _works(lab, lab.mount("vers=3", host="[fd00:9::1]"), lab.directory)
    check.equal(options["proto"], "tcp6", "the transport settled on")


@case(server="squash")
def without_portmapper(lab: Lab):
    """Every port is in the options: nobody asks port 111, where nobody answers."""
    point = lab.mount(lab.reach())
    check.equal(_options(point)["port"], str(lab.port), "the port settled on")
    check.equal(_options(point)["mountport"], str(lab.port), "the port of MOUNT")
    _works(lab, point, lab.directory)


@case(server="squash")
def as_told(lab: Lab):
    """The command that berth prints when it serves, typed as it is."""
    command = next(line for line in lab.local.said() if lab.export in line)
    subprocess.run(command.split(), check=True)
    _works(lab, "/mnt", lab.directory)


@case()
def mount_over_udp(lab: Lab):
    _works(lab, lab.mount("vers=3,mountproto=udp"), lab.directory)


@case()
def below_the_export(lab: Lab):
    """A sub-directory is mounted by its path, however that is written; `..` leads nowhere else."""
    lab.local.mkdir("deep")
    lab.local.mkdir("deep/deeper")
    lab.local.write("deep/deeper/file", b"below")
    deeper = lab.local.path("deep/deeper")
    for spelling in (deeper, deeper + "/", deeper.replace("/deep/", "//deep/./")):
        point = lab.mount("vers=3", spelling)
        check.equal(os.listdir(point), ["file"], f"what is in {spelling}")
        check.equal(get(f"{point}/file"), b"below", "the file in it")
        check.equal(os.stat(f"{point}/..").st_ino, os.stat("/mnt").st_ino, "what is above it")
        put(f"{point}/new", b"made below")
        check.equal(lab.local.read("deep/deeper/new"), b"made below", "the new file")
        os.unlink(f"{point}/new")
        lab.unmount(point)


@case()
def refused(lab: Lab):
    """What is not exported is denied; what is not there, or no directory, is said to be that."""
    lab.local.write("file", b"")
    lab.local.symlink("/etc", "out")
    outside = os.path.dirname(lab.export)
    answers = {
        outside: "access denied",
        lab.export + "-other": "access denied",
        lab.export[:-1]: "access denied",
        "/": "access denied",
        "/etc": "access denied",
        f"{lab.export}/../..": "access denied",
        lab.local.path("out"): "access denied|is not a directory",
        lab.local.path("absent"): "No such file or directory",
        lab.local.path("file"): "is not a directory",
    }
    for what, words in answers.items():
        result, _ = lab.try_mount("vers=3", what)
        check.equal(result.returncode, 32, f"the exit status of mounting {what}")
        check.true(re.search(words, result.stderr), f"{what}: {result.stderr!r} without {words!r}")


@case()
def again_and_again(lab: Lab):
    """Mounted in several places at once, and over and over: one tree, and nothing stays behind."""
    ways = ("vers=3", "vers=3,nosharecache", "vers=3,ro,nosharecache")
    points = [lab.mount(options) for options in ways]
    put(f"{points[0]}/{lab.directory}/file", b"seen through all")
    for point in points:
        check.equal(get(f"{point}/{lab.directory}/file"), b"seen through all", "the file")
    for point in points:
        lab.unmount(point)
    for _ in range(lab.scaled(5, 50)):
        lab.unmount(lab.mount("vers=3"))


@case(server="readonly")
def read_only_export(lab: Lab):
    """With --read-only everything can be read and nothing changed."""
    lab.local.write("file", b"to be read", 0o666)
    lab.local.mkdir("directory", 0o777)
    lab.work()
    check.equal(get("file"), b"to be read", "the file")
    check.equal(sorted(os.listdir()), ["directory", "file"], "the names")
    attempts = {
        "write": lambda: put("file", b"changed"),
        "create": lambda: put("directory/new", b""),
        "mkdir": lambda: os.mkdir("new"),
        "symlink": lambda: os.symlink("file", "new"),
        "mknod": lambda: os.mkfifo("new"),
        "link": lambda: os.link("file", "new"),
        "rename": lambda: os.rename("file", "new"),
        "unlink": lambda: os.unlink("file"),
        "rmdir": lambda: os.rmdir("directory"),
        "chmod": lambda: os.chmod("file", 0o600),
        "truncate": lambda: os.truncate("file", 0),
        "utime": lambda: os.utime("file"),
    }
    # To open a file for writing the client asks ACCESS, which has no words for "read only".
    denied = {"write", "truncate"}
    for name, attempt in attempts.items():
        attempt.__name__ = name
        check.fails(errno.EACCES if name in denied else errno.EROFS, attempt)
    check.equal(lab.local.read("file"), b"to be read", "the file on the server")
    check.equal(lab.local.names(), [b"directory", b"file"], "the names on the server")


@case()
def several_connections(lab: Lab):
    """nconnect: one client's requests come over four connections, in turn."""
    os.chdir(os.path.join(lab.mount("vers=3,nconnect=4"), lab.directory))
    for n in range(100):
        os.mkdir(f"directory-{n}")
        put(f"directory-{n}/file", content(20_000, n))
        os.rename(f"directory-{n}/file", f"file-{n}")
        os.rmdir(f"directory-{n}")
    check.equal(len(lab.local.names()), 100, "names on the server")
    lab.forget()
    for n in range(100):
        check.equal(get(f"file-{n}"), content(20_000, n), f"file {n}")


@case(server="memory")
def memory_tree(lab: Lab):
    """--memory: a tree without a disk behind it, mounted beside a directory."""
    os.chdir(lab.mount(lab.reach(), "/tree"))
    os.umask(0o022)
    for n in range(300):
        put(f"file-{n}", content(n * 100, n))
    os.makedirs("a/b/c")
    os.symlink("../file-1", "a/link")
    os.link("file-2", "a/b/hard")
    os.mkfifo("a/fifo")
    os.rename("a/b", "moved")
    os.unlink("file-3")
    os.chown("file-4", 1000, 1000)
    os.utime("file-5", ns=(10**18 + 1, 10**18 + 2))
    with open("file-6", "r+b") as file:
        file.truncate(10**10)
        file.seek(10**10 - 3)
        file.write(b"end")
    check.fails(errno.ENOTEMPTY, os.rmdir, "moved")
    check.fails(errno.EEXIST, os.mkdir, "a")
    lab.forget()
    check.equal(len(os.listdir()), 301, "names")
    for n in (0, 1, 2, 4, 299):
        check.equal(get(f"file-{n}"), content(n * 100, n), f"file {n}")
    check.equal(get("a/link"), content(100, 1), "through the link")
    check.equal(os.stat("moved/hard").st_nlink, 2, "names of one file")
    check.equal(os.stat("file-4").st_uid, 1000, "the owner")
    check.equal(os.stat("file-5").st_mtime_ns, 10**18 + 2, "the time")
    with open("file-6", "rb") as file:
        file.seek(10**10 - 4)
        check.equal(file.read(), b"\0end", "the end of a sparse file")
