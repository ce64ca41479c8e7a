"""The servers that are measured, each started as late as possible and stopped by its pid."""

import os
import pathlib
import signal
import socket
import subprocess
import time

START_SECONDS = 60
STOP_SECONDS = 30


class Failed(Exception):
    """A server or a measurement did not do as it should."""


class Skipped(Exception):
    """This machine can't do it; the message says why."""


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server:
    """A process that serves `export` on `port`, and MOUNT on `mount_port`."""

    def __init__(self, name: str, directory: pathlib.Path, port: int, prefix: list[str], probe=answers):
        self.name, self.port, self.mount_port = name, port, port
        self.export = directory / name
        self.log = directory / f"{name}.log"
        self._prefix, self._probe = prefix, probe
        self._process: subprocess.Popen | None = None
        self.export.mkdir(parents=True, exist_ok=True)
        self.export.chmod(0o777)

    def command(self) -> list[str]:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers; nothing to do when it runs."""
        if self._process:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not (self._probe(self.port) and self._probe(self.mount_port)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Failed(f"{self.name} does not serve:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        process, self._process = self._process, None
        if not process:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()


class Berth(Server):
    def __init__(self, program: pathlib.Path, *where, name="berth", address="127.0.0.1", options=("--async",), **more):
        super().__init__(name, *where, **more)
        self._program, self._address, self._options = program, address, options
        self._state = self.export.with_name(f"{name}.state")
        self._state.mkdir(exist_ok=True)

    def command(self) -> list[str]:
        return [
            str(self._program), "serve", str(self.export), "--listen", f"{self._address}:{self.port}",
            "--portmap", "off", "--squash", "none", "--state", str(self._state), *self._options,
        ]  # fmt: skip


class Floor(Server):
    def __init__(self, program: pathlib.Path, *where, **more):
        super().__init__("floor", *where, **more)
        self._program = program

    def command(self) -> list[str]:
        return [str(self._program), f"127.0.0.1:{self.port}"]


GANESHA_CONFIGURATION = """
NFS_CORE_PARAM {{
    Protocols = 3;
    NFS_Port = {port};
    MNT_Port = {mount_port};
    Enable_NLM = false;
    Enable_RQUOTA = false;
}}
NFSV4 {{
    Graceless = true;  # else changes wait for reclaims that nobody will make
    RecoveryRoot = "{directory}";
}}
EXPORT {{
    Export_Id = 1;
    Path = "{export}";
    Pseudo = "/export";
    Access_Type = RW;
    Squash = No_Root_Squash;
    SecType = sys;
    Protocols = 3;
    Transports = TCP;
    FSAL {{ Name = VFS; }}
}}
"""

# Ganesha does not start where it finds no rpcbind; that one keeps its socket in /run. Both get a /run of their own.
GANESHA_START = """
mount -t tmpfs tmpfs /run && mkdir /run/rpcbind && ip link set lo up || exit 1
rpcbind -f -w &
echo $! > "$0/rpcbind.pid"
until rpcinfo -T tcp 127.0.0.1 portmapper >/dev/null 2>&1; do
    kill -0 $! || exit 1
done
exec ganesha.nfsd -F -f "$0/ganesha.conf" -L /dev/stderr -p "$0/ganesha.pid" -N EVENT
"""


class Ganesha(Server):
    """Debian's NFS-Ganesha on its VFS back end, version 3 only."""

    def __init__(self, directory: pathlib.Path, port: int, mount_port: int, prefix: list[str], **more):
        super().__init__("ganesha", directory, port, prefix, **more)
        self.mount_port = mount_port
        self._directory = directory / "ganesha.d"
        self._directory.mkdir(exist_ok=True)
        text = GANESHA_CONFIGURATION.format(
            port=port, mount_port=mount_port, directory=self._directory, export=self.export
        )
        (self._directory / "ganesha.conf").write_text(text)

    def command(self) -> list[str]:
        inside = ["unshare", "--mount", "--propagation", "private"]
        return [*inside, "bash", "-c", GANESHA_START, str(self._directory)]

    def stop(self) -> None:
        super().stop()
        pid_file = self._directory / "rpcbind.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text())
        pid_file.unlink()
        # A child of what has ended: it can't be waited for, so it is asked until it is gone.
        if pathlib.Path(f"/proc/{pid}/comm").exists() and "rpcbind" in pathlib.Path(f"/proc/{pid}/comm").read_text():
            subprocess.run(["kill", str(pid)], check=False)
            while pathlib.Path(f"/proc/{pid}").exists():
                time.sleep(0.01)


def ganesha_version() -> str:
    query = ["dpkg-query", "-W", "-f", "${Version}", "nfs-ganesha"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout
