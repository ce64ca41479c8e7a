"""Starting and stopping berth: a process per configuration that the cases ask for, on first use."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import threading
import time

from harness.network import SERVER_IPV4, Network

SUITE = pathlib.Path(__file__).resolve().parents[1]
START_SECONDS = 60
MOUNTED_MEBIBYTES = {"ext4": 32, "xfs": 300, "btrfs": 120}  # of images, which are sparse
STOP_SECONDS = 20  # berth allows itself 5


@dataclasses.dataclass(frozen=True)
class Kind:
    port: int
    options: tuple[str, ...]
    captured: bool = True
    portmap: bool = False
    by_file: bool = False  # exported by a file of exports(5), see Server.export_as()
    subvolumes: tuple[str, ...] = ()  # of the btrfs among what is mounted
    mounted: tuple[str, ...] = ()  # in its export, at "mounted-KIND", of its own; it alone sees that
    user: int | None = None  # as whom it runs, without a privilege; root if nothing is said
    members: bool = False  # sees users and groups of its own: ACCOUNTS
    address: str = SERVER_IPV4  # another one: a host of its own, with a portmapper of its own


def _at(port: int, *options: str) -> tuple[str, ...]:
    return ("--listen", f"{SERVER_IPV4}:{port}", "--portmap", "off", *options)


KINDS = {
    # As a user starts it: port 2049 on every address, its own portmapper on 111.
    "main": Kind(
        2049, ("--squash", "none", "--portmap", "auto", "--grace", "30"), portmap=True
    ),
    "squash": Kind(12049, _at(12049)),
    "restart": Kind(13049, _at(13049, "--squash", "none")),
    # As in a container without privileges: the kernel opens no handles for it.
    "rootless": Kind(17049, _at(17049), user=2000),
    "readonly": Kind(14049, _at(14049, "--squash", "none", "--read-only")),
    "memory": Kind(16049, _at(16049, "--squash", "none", "--memory", "tree")),
    "exports": Kind(18049, _at(18049), by_file=True),
    "groups": Kind(19049, _at(19049, "--manage-gids"), members=True),
    "crossing": Kind(20049, _at(20049), by_file=True, mounted=("ext4", "xfs", "btrfs")),
    "subvolumes": Kind(
        23049, _at(23049), by_file=True, mounted=("btrfs",), subvolumes=("one", "two")
    ),
    "hidden": Kind(21049, _at(21049, "--squash", "none"), mounted=("ext4",)),
    # Clients' users are others here, but for root.
    "mapped": Kind(
        22049,
        _at(22049, "--squash", "none", "--map-uid", "0:0", "--map-uid", "1-65533:100001",
            "--map-gid", "0-65533:200000"),
    ),
    # As a user starts it, root squashed, on a host of its own: for locks that must survive. The
    # clients of the second one see a server without a privilege.
    "locking": Kind(
        2049, ("--grace", "30"), captured=False, portmap=True, address="10.9.0.11"
    ),
    "locking_rootless": Kind(
        2049, ("--grace", "30"), captured=False, portmap=True, address="10.9.0.12", user=2000
    ),
    # Misbehaves as cases say.
    "faults": Kind(24049, _at(24049, "--squash", "none"), captured=False),
    # Bulk data: not captured, and names need not be on disk one by one.
    "bulk": Kind(15049, _at(15049, "--squash", "none", "--async"), captured=False),
}

# User 4000 is in the groups 5001 to 5024; user 4001 is not known.
ACCOUNTS = {
    "passwd": "root:x:0:0::/:\nmember:x:4000:4000::/:\n",
    "group": "root:x:0:\n" + "".join(f"g{n}:x:{n}:member\n" for n in range(5001, 5025)),
}


class Failed(Exception):
    """The server did not do as it should: not start, or not stop."""


class Server:
    """One berth: an export directory, a state directory, a log, and a process while it runs."""

    def __init__(self, name: str, berth: str, network: Network, directory: pathlib.Path):
        self.name, self.kind = name, KINDS[name]
        self.export = directory / "exports" / name
        self.log = directory / "logs" / f"berth-{name}.log"
        self.said = self.log.with_suffix(".out")
        self.state, self.berth = directory / "state" / name, berth
        self._network = network
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self.was_killed = False
        state, user = directory / "state" / name, self.kind.user
        become = () if user is None else (
            "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all",
            "--inh-caps=-all",
        )  # fmt: skip
        self.exports_file = directory / "state" / f"{name}.exports"
        exported = ("--exports", self.exports_file) if self.kind.by_file else (self.export,)
        if self.kind.members:
            become = self._with_accounts()
        mounting = self._mounting(directory / "images") if self.kind.mounted else ()
        self._command = network.inside(
            *mounting, *become, berth, "serve", *map(str, exported), "--state", str(state),
            *self.kind.options, address=self.kind.address,
        )
        for made in (self.export, self.log.parent, state):
            made.mkdir(parents=True, exist_ok=True)
        if user is not None:
            for own in (self.export, state):
                os.chown(own, user, user)
        if self.kind.by_file:
            self.exports_file.write_text(f"{self.export} *(rw,no_root_squash)\n")

    def _with_accounts(self) -> tuple[str, ...]:
        """What a command follows that is to see ACCOUNTS; `ip netns exec` keeps mounts apart."""
        mounts = []
        for name, text in ACCOUNTS.items():
            file = self.log.parent / f"{self.name}.{name}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            mounts.append(f"mount --bind '{file}' /etc/{name}")
        return "sh", "-c", " && ".join((*mounts, 'exec "$0" "$@"'))

    def _mounting(self, images: pathlib.Path) -> tuple[str, ...]:
        """What mounts the images before it runs the server: in the mounts that end with it."""
        images.mkdir(parents=True, exist_ok=True)
        mounts = []
        for kind in self.kind.mounted:
            image, point = images / f"{self.name}.{kind}", self.export / f"mounted-{kind}"
            point.mkdir(parents=True)
            with image.open("wb") as file:
                file.truncate(MOUNTED_MEBIBYTES[kind] * 2**20)
            subprocess.run([f"mkfs.{kind}", "-q", image], check=True, stderr=subprocess.DEVNULL)
            mounts.append(f"mount -o loop '{image}' '{point}'")
            if kind == "btrfs":
                mounts += [
                    f"{{ test -d '{point}/{name}' || btrfs -q subvolume create '{point}/{name}'; }}"
                    for name in self.kind.subvolumes
                ]
        return "sh", "-c", " && ".join((*mounts, 'exec "$0" "$@"'))

    def export_as(self, text: str, expected: str) -> None:
        """From now on this is exported; "EXPORT" in it is the exported directory's path. Returns
        when the log says what is expected."""
        self.exports_file.write_text(text.replace("EXPORT", str(self.export)))
        before = self.log.read_text().count(expected)
        self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + START_SECONDS
        while self.log.read_text().count(expected) == before:
            if time.monotonic() > deadline:
                raise Failed(f"berth did not say {expected!r} after SIGHUP")
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Returns when it serves; nothing to do when it runs already."""
        with self._lock:
            if self._process and self._process.poll() is None:
                return
            if self._process:
                raise Failed(f"berth ended by itself with status {self._process.returncode}")
            with self.said.open("wb") as said, self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=said, stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            self._await_first_line()

    def _await_first_line(self) -> None:
        """When berth serves it says so on standard output, and then its port must answer."""
        deadline = time.monotonic() + START_SECONDS
        while b"\n" not in self.said.read_bytes():
            status = self._process.poll()
            if status is not None:
                raise Failed(f"berth ended with status {status}: {' '.join(self._command)}")
            if time.monotonic() > deadline:
                raise Failed(f"berth did not say that it serves: {' '.join(self._command)}")
            time.sleep(0.01)
        if not self._network.answers(self.kind.port, self.kind.address):
            raise Failed(f"berth says it serves, but nobody answers on port {self.kind.port}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """The exit status (negative: the signal that ended it); None when it never ran."""
        with self._lock:
            process, self._process = self._process, None
            if not process:
                return None
            process.send_signal(how)
            try:
                return process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise Failed(f"berth did not end {STOP_SECONDS} s after {how.name}") from None

    def restart(self, how: signal.Signals) -> None:
        self.was_killed |= how == signal.SIGKILL
        began = time.monotonic()
        status = self.stop(how)
        expected = 0 if how == signal.SIGTERM else -how
        if status != expected:
            raise Failed(f"berth ended with status {status} after {how.name}")
        with self.log.open("a") as log:
            log.write(f"-- {how.name}: ended after {time.monotonic() - began:.2f} s --\n")
        self.start()


class Servers:
    """Every server of a run; each is made when first asked for."""

    def __init__(self, berth: str, network: Network, directory: pathlib.Path):
        self._make = lambda name: Server(name, berth, network, directory)
        self._lock = threading.Lock()
        self._made: dict[str, Server] = {}

    def __getitem__(self, name: str) -> Server:
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def __iter__(self):
        return iter(list(self._made.values()))

    def stop(self) -> dict[str, str]:
        """Stops them all; what went wrong, by name."""
        wrong = {}
        for server in self:
            try:
                status = server.stop()
                if status not in (0, None):
                    wrong[server.name] = f"exit status {status} after SIGTERM, not 0"
            except Failed as failed:
                wrong[server.name] = str(failed)
        return wrong
