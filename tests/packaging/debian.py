"""A clean Debian 12 in a directory, and commands in it."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

from place import Skipped

from bench import Failed, await_condition

SUITE = "bookworm"
KEPT_SECONDS = 7 * 86400
ENVIRONMENT = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")


def cache() -> pathlib.Path:
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "berth"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sources() -> list[str]:
    """The lines of sources.list(5) for Debian 12, as this machine has them."""
    listing = subprocess.run(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(ORIGIN) $(SITE) $(RELEASE) $(COMPONENT)"],
                             capture_output=True, text=True, check=False).stdout  # fmt: skip
    lines = set()
    for entry in listing.splitlines():
        kind, origin, *rest = entry.split(" ")
        if kind == "Packages" and origin.startswith("Debian") and len(rest) == 3 and rest[1].startswith(SUITE):
            lines.add(f"deb {' '.join(rest)}")
    return sorted(lines)


def fetch_base() -> pathlib.Path:
    """A tar file of the smallest Debian; made anew once a week."""
    tar = cache() / f"debian-{SUITE}.tar"
    if tar.exists() and tar.stat().st_mtime > time.time() - KEPT_SECONDS:
        return tar
    work = cache() / f"debian-{SUITE}.{os.getpid()}"
    mirror = [line.split(" ")[1] for line in sources() if line.split(" ")[2] == SUITE][:1]
    try:
        done = subprocess.run(["debootstrap", "--variant=minbase", SUITE, work, *mirror],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode != 0:
            raise Skipped(f"debootstrap can't make a Debian here: {done.stdout.strip().splitlines()[-1:]}")
        made = tar.with_suffix(f".{os.getpid()}.new")
        subprocess.run(["tar", "-C", work, "-cf", made, "."], check=True)
        made.rename(tar)
    finally:
        subprocess.run(["rm", "-rf", work], check=True)
    return tar


class Debian:
    """A directory with a Debian in it."""

    def __init__(self, root: pathlib.Path):
        self.root = root

    @classmethod
    def unpack(cls, root: pathlib.Path) -> "Debian":
        subprocess.run(["tar", "-C", root, "-xf", fetch_base()], check=True)
        debian = cls(root)
        lines = sources()
        if lines:
            (root / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in lines))
        (root / "etc/resolv.conf").write_text(pathlib.Path("/etc/resolv.conf").read_text())
        proxies = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
        (root / "etc/apt/apt.conf.d/90proxy").write_text("".join(f"{line}\n" for line in proxies.splitlines() if "roxy" in line))
        # No service is started by an installation.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        return debian

    def copy(self, root: pathlib.Path) -> "Debian":
        subprocess.run(["cp", "-a", self.root, root], check=True)
        return type(self)(root)

    def command(self, *words) -> list[str]:
        """What runs the words in it."""
        return ["chroot", str(self.root), *ENVIRONMENT, *map(str, words)]

    def run(self, *words, status: int = 0) -> str:
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=600, check=False, errors="replace")  # fmt: skip
        if done.returncode != status:
            raise Failed(f"in the clean Debian: {' '.join(map(str, words))}: exit status {done.returncode}, expected {status}\n"
                         f"{done.stdout}{done.stderr}")  # fmt: skip
        return done.stdout + done.stderr

    def apt(self, *words) -> str:
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", *words)

    def path(self, path: str) -> pathlib.Path:
        return self.root / path.lstrip("/")

    @contextlib.contextmanager
    def with_proc(self):
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        try:
            yield self
        finally:
            subprocess.run(["umount", self.root / "proc"], check=True)

    def status_of(self, package: str) -> str:
        """The version, and the status in dpkg's words."""
        return self.run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", package)


BOOT = """
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm outside
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ip link set lo up
pivot_root . outside
umount -l outside
mount --make-rshared /
exec /usr/bin/env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no
"""


class Booted(Debian):
    """One whose systemd runs, in namespaces of its own."""

    def __enter__(self):
        namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--net", "--cgroup", "--uts", "--ipc"]
        self._unshare = subprocess.Popen(["unshare", *namespaces, "bash", "-ec", BOOT], cwd=self.root, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        try:
            await_condition(lambda: self._unshare.poll() is not None or self._is_up(), "systemd to have started")
        except BaseException:
            self.__exit__()
            raise
        if self._unshare.poll() is not None:
            raise Skipped(f"systemd does not start here: {self._unshare.stdout.read().decode(errors='replace')}")
        return self

    def __exit__(self, *_) -> None:
        for pid in (self._first_process(), self._unshare.pid):
            if pid and self._unshare.poll() is None:
                os.kill(pid, signal.SIGKILL)
        self._unshare.wait()

    def _first_process(self) -> int:
        """The number that its first process has outside."""
        children = pathlib.Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children")
        words = children.read_text().split() if children.exists() else []
        return int(words[0]) if words else 0

    def _is_up(self) -> bool:
        if not self._first_process():
            return False
        command = self.command("systemctl", "is-system-running")
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() in ("running", "degraded")

    def command(self, *words) -> list[str]:
        enter = ["nsenter", f"--target={self._first_process()}", "--mount", "--pid", "--net", "--cgroup", "--uts", "--ipc"]
        return [*enter, "--root", "--wd", *ENVIRONMENT, *map(str, words)]

    def beside(self, *words) -> list[str]:
        """What runs a program of this machine in the network of the other."""
        return ["nsenter", f"--target={self._first_process()}", "--net", *map(str, words)]
