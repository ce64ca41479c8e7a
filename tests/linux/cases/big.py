"""Large and sparse files, and every way to the data that is not plain read and write."""

import errno
import mmap
import os

from guest import check
from guest.lab import Lab, content, get, put
from suite import case

GIB = 2**30


@case()
def sparse_5_gib(lab: Lab):
    """Data on both sides of 4 GiB and at the very end; little is used on the server."""
    lab.work()
    places = [0, 2 * GIB - 100, 4 * GIB - 100, 5 * GIB - 4096]
    with open("file", "w+b", buffering=0) as file:
        for n, place in enumerate(places):
            os.pwrite(file.fileno(), content(4096, n), place)
        os.fsync(file.fileno())
        check.equal(file.seek(0, os.SEEK_END), 5 * GIB, "the size by lseek")
        check.equal(os.fstat(file.fileno()).st_size, 5 * GIB, "the size by stat")
        there = lab.local.stat("file")
        check.equal(there.st_size, 5 * GIB, "the size on the server")
        check.true(there.st_blocks * 512 < 2**20, f"{there.st_blocks} blocks on the server")
        lab.forget()
        for n, place in enumerate(places):
            check.equal(os.pread(file.fileno(), 4096, place), content(4096, n), f"at {place}")
        check.equal(os.pread(file.fileno(), 4096, 3 * GIB), bytes(4096), "in a hole")
        last = os.pread(file.fileno(), 4096, 5 * GIB - 10)
        check.equal(last, content(4096, 3)[-10:], "at the end")
        check.equal(os.pread(file.fileno(), 10, 5 * GIB), b"", "at the end of the file")
        check.equal(os.pread(file.fileno(), 10, 9 * GIB), b"", "past the end")
    check.equal(os.stat("file").st_blocks, there.st_blocks, "blocks used")


def _write_at(path: str, offset: int) -> None:
    with open(path, "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"too far", offset)
        os.fsync(file.fileno())


@case()
def size_limits(lab: Lab):
    """Sizes up to what the server's file system takes; beyond it EFBIG, and nothing is changed."""
    lab.work()
    largest = lab.local.largest_file("probe")
    put("file", b"small")
    os.truncate("file", largest)
    check.equal(lab.local.stat("file").st_size, largest, "the largest size on the server")
    lab.forget()
    check.equal(os.stat("file").st_size, largest, "the largest size")
    check.fails(errno.EFBIG, os.truncate, "file", largest + 4096)
    os.truncate("file", 5)
    if largest < 2**63 - 4096:
        check.fails(errno.EFBIG, _write_at, "file", 2**63 - 100)
    check.equal(get("file"), b"small", "the file afterwards")


@case()
def mapped(lab: Lab):
    """MAP_SHARED: what is stored reaches the server with msync, what the server has is read."""
    lab.work()
    data = content(300_000)
    put("file", data)
    lab.local.write("theirs", data[::-1])
    with open("file", "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        check.equal(bytes(view), data, "read through the mapping")
        view[4090:4100] = b"0123456789"
        view[-3:] = b"end"
        view.flush()
        there = lab.local.read("file")
        check.equal(there, data[:4090] + b"0123456789" + data[4100:-3] + b"end", "after msync")
        view[0:5] = b"close"
    check.equal(lab.local.read("file")[:5], b"close", "after close")
    with open("theirs", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        check.equal(bytes(view), data[::-1], "the server's file")
    with open("theirs", "r+b") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as view:
        view[0:7] = b"private"
    check.equal(lab.local.read("theirs"), data[::-1], "after a private change")


@case()
def two_who_append(lab: Lab):
    """O_APPEND: two descriptors in turn, nothing is overwritten."""
    lab.work()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    one, two = os.open("file", flags), os.open("file", flags)
    wanted = b""
    for n in range(200):
        line = b"line %d\n" % n * (n % 5 + 1)
        os.write(one if n % 2 else two, line)
        wanted += line
    os.close(one)
    os.close(two)
    check.equal(lab.local.read("file"), wanted, "the file on the server")
    lab.local.append("file", b"and the server's\n")
    with open("file", "ab") as file:
        file.write(b"and ours again\n")
    wanted += b"and the server's\nand ours again\n"
    check.equal(lab.local.read("file"), wanted, "after both")


@case()
def direct(lab: Lab):
    """O_DIRECT goes past the client's cache, in both directions at once."""
    lab.work()
    size = lab.scaled(2, 64) * 2**20
    buffer = mmap.mmap(-1, size)
    buffer[:] = content(size, 1)
    file = os.open("file", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    check.equal(os.writev(file, [buffer]), size, "bytes written")
    check.equal(lab.local.read("file"), buffer[:], "the file on the server, not yet closed")
    lab.local.write("file", content(size, 2))
    check.equal(os.preadv(file, [buffer], 0), size, "bytes read")
    check.equal(buffer[:], content(size, 2), "what the server wrote, not yet reopened")
    check.equal(os.preadv(file, [buffer], size - 512), 512, "bytes read at the end")
    check.equal(os.preadv(file, [buffer], size), 0, "bytes read past the end")
    os.pwritev(file, [buffer[:512]], size + 1000)
    os.close(file)
    check.equal(lab.local.stat("file").st_size, size + 1512, "the size after a write past the end")


@case()
def synchronous(lab: Lab):
    """O_SYNC and fsync: when the call returns the server has the bytes."""
    lab.work()
    flags = os.O_RDWR | os.O_CREAT
    synced, lazy = os.open("synced", flags | os.O_SYNC), os.open("lazy", flags)
    for n in range(20):
        os.write(synced, content(5000, n))
        os.write(lazy, content(5000, n))
        check.equal(lab.local.stat("synced").st_size, 5000 * (n + 1), "the size with O_SYNC")
    os.fsync(lazy)
    wanted = b"".join(content(5000, n) for n in range(20))
    check.equal(lab.local.read("lazy"), wanted, "after fsync")
    check.equal(lab.local.read("synced"), wanted, "with O_SYNC")


@case()
def transfer_sizes(lab: Lab):
    """The smallest READ and WRITE that Linux makes, and the largest that berth takes."""
    data = content(300_001)
    for n, (read, write) in enumerate(((1024, 1024), (4096, 8192), (2**20, 2**20))):
        options = f"rsize={read},wsize={write}"
        point = lab.mount(f"{lab.reach()},nosharecache,{options}")
        os.chdir(f"{point}/{lab.directory}")
        put(f"file-{n}", data)
        check.equal(lab.local.read(f"file-{n}"), data, f"written with {options}")
        lab.forget()
        check.equal(get(f"file-{n}"), data, f"read with {options}")
        lab.unmount(point)
