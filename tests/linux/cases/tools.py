"""Everyday programs on a mounted directory: fio, git, tar, df, du, cp."""

import hashlib
import os
import subprocess

from guest import check
from guest.lab import Lab, as_user, content, put
from suite import case


def _run(*command: str, **named) -> str:
    """Standard output; any exit status but 0 fails the case with what the program said."""
    result = subprocess.run(command, capture_output=True, text=True, **named)
    if result.returncode:
        said = (result.stderr or result.stdout).strip()[-2000:]
        raise AssertionError(f"{' '.join(command)}: status {result.returncode}: {said}")
    return result.stdout


def _fio(lab: Lab, name: str, pattern: str, *more: str) -> None:
    lab.work()
    size = lab.scaled(24, 512)
    _run(
        "fio", f"--name={name}", f"--rw={pattern}", f"--size={size}m", "--ioengine=psync",
        "--verify=crc32c", "--verify_fatal=1", "--do_verify=1", "--randseed=1",
        "--allow_file_create=1", "--fallocate=none", "--thread", *more,
    )  # fmt: skip
    there = lab.local.stat(f"{name}.0.0").st_size
    check.true(0 <= size * 2**20 - there < 2**16, f"the size on the server: {there}")


@case(server="bulk", seconds=300)
def fio_sequential(lab: Lab):
    _fio(lab, "sequential", "write", "--bs=256k", "--end_fsync=1")


@case(server="bulk", seconds=300)
def fio_random(lab: Lab):
    """Blocks of many sizes, on no boundary, in any order, some synced."""
    _fio(lab, "random", "randwrite", "--bsrange=512-64k", "--bs_unaligned", "--fsync=64")


@case(server="bulk", seconds=300)
def fio_direct(lab: Lab):
    """Past the client's cache: each block is written by one request and read back by another."""
    _fio(lab, "direct", "randrw", "--bsrange=4k-128k", "--direct=1")


def _tree(top: str, files: int) -> None:
    """Directories, files of odd sizes, links."""
    for n in range(files):
        folder = f"{top}/{n % 7}/{n % 3}"
        os.makedirs(folder, exist_ok=True)
        put(f"{folder}/file-{n}", content(n * 37 % 9000, n), 0o755 if n % 5 == 0 else 0o644)
    os.symlink("1/1", f"{top}/link")
    os.link(f"{top}/0/0/file-0", f"{top}/hard-link")
    os.makedirs(f"{top}/empty")


@case(server="bulk", seconds=300)
def git(lab: Lab):
    """A repository is made, cloned, checked, changed, packed and pushed, all over NFS."""
    lab.work()
    author = {"NAME": "A", "EMAIL": "a@example.org"}
    for who in ("AUTHOR", "COMMITTER"):
        os.environ.update({f"GIT_{who}_{key}": value for key, value in author.items()})
    _run("git", "config", "--global", "safe.directory", "*")
    _run("git", "init", "-q", "-b", "main", "origin")
    _tree("origin", lab.scaled(150, 1500))
    _run("git", "add", "-A", cwd="origin")
    _run("git", "commit", "-q", "-m", "first", cwd="origin")
    _run("git", "clone", "-q", "--no-local", "--bare", "origin", "bare.git")
    _run("git", "clone", "-q", "bare.git", "copy")
    check.equal(_run("git", "status", "--porcelain", cwd="copy"), "", "what git sees as changed")
    put("copy/0/0/file-0", b"changed")
    _run("git", "commit", "-q", "-a", "-m", "second", cwd="copy")
    _run("git", "push", "-q", cwd="copy")
    _run("git", "pull", "-q", "--ff-only", "../bare.git", "main", cwd="origin")
    _run("git", "gc", "-q", cwd="copy")
    for name in ("origin", "bare.git", "copy"):
        _run("git", "fsck", "--full", "--strict", "--no-progress", cwd=name)
    heads = {_run("git", "rev-parse", "main", cwd=name) for name in ("origin", "bare.git", "copy")}
    check.equal(len(heads), 1, "different heads")
    check.equal(lab.local.read("origin/0/0/file-0"), b"changed", "the change, pulled")


def _digest(path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@case(server="bulk", seconds=300)
def tar(lab: Lab):
    """Hundreds of files there by tar, and back by tar: the same modes, times, owners and sums."""
    lab.work()
    _tree("/run/source", lab.scaled(400, 4000))
    _run("tar", "--format=posix", "-cf", "/run/there.tar", "-C", "/run/source", ".")
    os.mkdir("unpacked")
    _run("tar", "-xpf", "/run/there.tar", "-C", "unpacked")
    lab.forget()
    pax = "--pax-option=exthdr.name=%d/%f,delete=atime,delete=ctime"
    for name, top in (("before", "/run/source"), ("after", "unpacked")):
        _run("tar", "--sort=name", "--format=posix", pax, "-cf", f"/run/{name}.tar", "-C", top, ".")
    sums = [_digest(f"/run/{name}.tar") for name in ("before", "after")]
    if sums[0] != sums[1]:
        _run("tar", "--compare", "-f", "/run/before.tar", "-C", "unpacked")
    check.equal(sums[1], sums[0], "the sum of the archive made of what was unpacked")
    wanted = {}
    for folder, _, files in os.walk(b"/run/source"):
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                wanted[os.path.relpath(path, b"/run/source")] = _digest(path)
    there = lab.local.tree("unpacked")
    found = {name: entry[2] for name, entry in there.items() if name in wanted}
    check.equal(found, wanted, "the sums on the server")


@case()
def df(lab: Lab):
    """The server's sizes. What is kept back for root is there for root, and for nobody else."""
    lab.work()

    def look(user: str):
        here, there = os.statvfs("."), lab.local.statvfs()

        def bytes_of(info: os.statvfs_result, field: str) -> int:
            return getattr(info, field) * info.f_frsize

        def near(field: str, least: str, most: str) -> None:
            """Other processes may use the disk meanwhile."""
            found, slack = bytes_of(here, field), 2**30
            low, high = bytes_of(there, least) - slack, bytes_of(there, most) + slack
            check.true(low <= found <= high, f"{field} for {user}: {found}, not {low} to {high}")

        near("f_blocks", "f_blocks", "f_blocks")
        near("f_bfree", "f_bfree", "f_bfree")
        near("f_bavail", "f_bavail", "f_bfree" if user == "root" else "f_bavail")
        check.equal(here.f_files, there.f_files, "files in all")
        check.true(abs(here.f_ffree - there.f_ffree) < 100_000, f"{here.f_ffree} files are free")
        check.equal(here.f_namemax, there.f_namemax, "the longest name")

    look("root")
    as_user(1000, 1000, [], lambda: look("a user"))
    _run("df", "-h", ".")


@case()
def du(lab: Lab):
    """Blocks used are the server's own, for small, large and sparse files."""
    lab.work()
    for size in (0, 1, 5000, 300_000):
        put(f"file-{size}", content(size))
    put("sparse", b"")
    os.truncate("sparse", 10**9)
    os.sync()
    files = lab.local.names()
    there = sum(lab.local.stat(name).st_blocks for name in files) * 512
    here = sum(int(_run("du", "-B1", name).split()[0]) for name in sorted(os.listdir()))
    check.equal(here, there, "bytes used")
    check.equal(_run("du", "-b", "sparse").split()[0], str(10**9), "the apparent size")
