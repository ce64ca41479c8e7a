"""What people do on a mounted directory, each thing as a function that tells how long it took or how fast it went.

Runs in the guest. The material is made once, in the guest's memory, so that only the server is asked while time
is taken.
"""

import dataclasses
import io
import json
import os
import pathlib
import random
import subprocess
import tarfile
import time
import typing

SMALL_FILE_BYTES = 1024
FILES_PER_DIRECTORY = 100
SOURCE_FILE_BYTES = 4096
FIO_IN_FLIGHT = 16


@dataclasses.dataclass(frozen=True)
class Sizes:
    small_files: int  # in the archive
    source_files: int  # in the repository
    bulk_mib: int  # that fio works on
    random_seconds: float


class Material:
    """An archive of small files and a repository to clone."""

    def __init__(self, sizes: Sizes, directory: pathlib.Path):
        self.sizes = sizes
        self.archive = directory / "small.tar"
        self.repository = directory / "source.git"
        content = random.Random(1)
        with tarfile.open(self.archive, "w") as archive:
            for number in range(sizes.small_files):
                folder = number // FILES_PER_DIRECTORY
                if number % FILES_PER_DIRECTORY == 0:
                    made = tarfile.TarInfo(f"small/{folder}")
                    made.type, made.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(made)
                file = tarfile.TarInfo(f"small/{folder}/file-{number}")
                file.size, file.mtime = SMALL_FILE_BYTES, 1_700_000_000 + number
                archive.addfile(file, io.BytesIO(content.randbytes(SMALL_FILE_BYTES)))
        self._make_repository(content)

    def _make_repository(self, content: random.Random) -> None:
        run("git", "init", "-q", "--bare", "--initial-branch=main", str(self.repository))
        stream = io.BytesIO()
        stream.write(b"commit refs/heads/main\ncommitter bench <bench@localhost> 1700000000 +0000\ndata 5\nfiles\n")
        for number in range(self.sizes.source_files):
            text = content.randbytes(SOURCE_FILE_BYTES // 2).hex().encode()
            stream.write(b"M 100644 inline %d/%d/file-%d\ndata %d\n" % (number % 7, number % 11, number, len(text)))
            stream.write(text + b"\n")
        run("git", "-C", str(self.repository), "fast-import", "--quiet", input=stream.getvalue())


def run(*command: str, **named) -> bytes:
    """Standard output; any exit status but 0 is a failure that says what the program said."""
    result = subprocess.run(command, capture_output=True, **named)
    if result.returncode:
        said = (result.stdout + result.stderr).decode(errors="replace")
        raise RuntimeError(f"{' '.join(command)}: status {result.returncode}: {said[-2000:]}")
    return result.stdout


def forget() -> None:
    """Empties the client's caches, so that what comes next asks the server."""
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def seconds_of(*command: str, **named) -> float:
    began = time.monotonic()
    run(*command, **named)
    return time.monotonic() - began


def clone(material: Material, directory: str) -> float:
    took = seconds_of("git", "clone", "-q", f"file://{material.repository}", f"{directory}/clone")
    run("git", "-C", f"{directory}/clone", "diff", "--quiet", "HEAD")
    return took


def tar_extract(material: Material, directory: str) -> float:
    return seconds_of("tar", "xf", str(material.archive), "-C", directory)


def list_recursively(material: Material, directory: str) -> float:
    forget()
    began = time.monotonic()
    listing = run("ls", "-lR", f"{directory}/small")
    took = time.monotonic() - began
    found = listing.count(b"file-")
    if found != material.sizes.small_files:
        raise RuntimeError(f"ls -lR shows {found} files, not {material.sizes.small_files}")
    return took


def remove_recursively(material: Material, directory: str) -> float:
    forget()
    return seconds_of("rm", "-r", f"{directory}/small")


def fio(material: Material, directory: str, pattern: str, *more: str) -> dict:
    """fio's own account of what it did: `bw_bytes` and `iops` per second."""
    said = run(
        "fio", "--name=bulk", f"--directory={directory}", "--filename=bulk", f"--rw={pattern}",
        f"--size={material.sizes.bulk_mib}m", "--randseed=1", "--fallocate=none", "--thread",
        "--output-format=json", *more,
    )  # fmt: skip
    # Warnings may stand before the document.
    return json.loads(said[said.index(b"{") :])["jobs"][0]["read" if "read" in pattern else "write"]


def sequential_write(material: Material, directory: str) -> float:
    return fio(material, directory, "write", "--bs=1m", "--ioengine=psync", "--end_fsync=1")["bw_bytes"] / 1e6


def sequential_read(material: Material, directory: str) -> float:
    forget()
    return fio(material, directory, "read", "--bs=1m", "--ioengine=psync")["bw_bytes"] / 1e6


def random_calls(material: Material, directory: str, pattern: str) -> float:
    """Past the client's cache, or there would be nothing random on the wire."""
    seconds = material.sizes.random_seconds
    return fio(
        material, directory, pattern, "--bs=4k", "--ioengine=libaio", f"--iodepth={FIO_IN_FLIGHT}", "--direct=1",
        "--time_based", f"--runtime={seconds:g}s",
    )["iops"]  # fmt: skip


def random_read(material: Material, directory: str) -> float:
    return random_calls(material, directory, "randread")


def random_write(material: Material, directory: str) -> float:
    return random_calls(material, directory, "randwrite")


# In this order: each may need what those before it have made.
WORKS: dict[str, typing.Callable[[Material, str], float]] = {
    "clone": clone,
    "tar": tar_extract,
    "list": list_recursively,
    "remove": remove_recursively,
    "sequential_write": sequential_write,
    "sequential_read": sequential_read,
    "random_read": random_read,
    "random_write": random_write,
}
