"""libnfs: nfs-ls, nfs-cp, nfs-cat."""

import os
import re

from bench import Bench, expect

LIBNFS_FAILED = 10  # the exit status of its tools
SIZES = (0, 1, 4095, (1 << 20) + 3, 20 << 20)


def copies(bench: Bench, url, exported) -> None:
    """There and back, compared with what lies in the export where that can be seen."""
    for size in SIZES:
        source = bench.directory / f"source-{size}"
        source.write_bytes(os.urandom(size))
        bench.run("nfs-cp", source, url(f"file-{size}"))
        if exported:
            expect((exported / f"file-{size}").read_bytes() == source.read_bytes(), f"{size} bytes arrived changed")
        back = bench.directory / f"back-{size}"
        back.unlink(missing_ok=True)
        bench.run("nfs-cp", url(f"file-{size}"), back)
        expect(back.read_bytes() == source.read_bytes(), f"{size} bytes came back changed")


def by_portmap(bench: Bench) -> None:
    bench.serve()
    copies(bench, lambda name: f"nfs://127.0.0.1{bench.export}/{name}?version=3", bench.export)


def by_port(bench: Bench) -> None:
    port = bench.serve("--portmap", "off", "--listen", "localhost:0")
    where = f"version=3&nfsport={port}&mountport={port}"
    copies(bench, lambda name: f"nfs://127.0.0.1{bench.export}/{name}?{where}", bench.export)
    copies(bench, lambda name: f"nfs://127.0.0.1/mem/{name}?{where}", None)
    (bench.export / "text").write_text("some text\n")
    expect(bench.run("nfs-cat", f"nfs://127.0.0.1{bench.export}/text?{where}") == "some text\n", "nfs-cat")


def as_user(bench: Bench) -> None:
    port = bench.serve("--portmap", "off", "--listen", "127.0.0.1:0")
    (bench.export / "secret").write_text("root's\n")
    (bench.export / "secret").chmod(0o600)
    where = f"version=3&nfsport={port}&mountport={port}&uid=1000&gid=1000"
    bench.run("nfs-cat", f"nfs://127.0.0.1{bench.export}/secret?{where}", status=LIBNFS_FAILED)
    (bench.directory / "note").write_text("mine\n")
    bench.run("nfs-cp", bench.directory / "note", f"nfs://127.0.0.1{bench.export}/note?{where}")
    status = (bench.export / "note").stat()
    expect((status.st_uid, status.st_gid) == (1000, 1000), f"owned by {status.st_uid}:{status.st_gid}")


def listing(bench: Bench) -> None:
    port = bench.serve("--portmap", "off", "--listen", "127.0.0.1:0")
    names = {f"entry-{number:04}" for number in range(3000)}
    for name in names:
        (bench.export / name).touch()
    (bench.export / "sub").mkdir()
    (bench.export / "sub" / "deep").write_text("x")
    where = f"version=3&nfsport={port}&mountport={port}"
    listed = bench.run("nfs-ls", "-R", f"nfs://127.0.0.1{bench.export}?{where}")
    seen = re.findall(r"entry-\d{4}", listed)
    expect(len(seen) == len(names) and set(seen) == names, f"{len(seen)} entries listed, {len(set(seen))} different")
    expect("deep" in listed, "the sub-directory was not listed")


CASES = {
    "libnfs.by_portmap": by_portmap,
    "libnfs.by_port": by_port,
    "libnfs.as_user": as_user,
    "libnfs.listing": listing,
}
