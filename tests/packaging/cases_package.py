"""The Debian package: what lintian says of it, and its life in a clean Debian.

What needs the network is done by prepare(), before the cases lose it: so the installation downloads nothing.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from debian import Booted, Debian
from elf import Elf
from place import ROOT, Place, Skipped

from bench import Failed, await_condition, expect

DIRECTORY, WHY_NOT = "BERTH_PACKAGING_DEBIAN", "BERTH_PACKAGING_WHY_NOT"
NEWER = "+newer"


def build_packages() -> list[pathlib.Path]:
    """The package, and one of a higher version."""
    version = version_of_project()
    packages = []
    for one in (version, version + NEWER):
        made = subprocess.run([ROOT / "scripts/package", "--version", one], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failed(f"scripts/package: {made.stdout}{made.stderr}")
        packages.append(ROOT / made.stdout.splitlines()[0])
    return packages


def version_of_project() -> str:
    line = next(line for line in (ROOT / "CMakeLists.txt").read_text().splitlines() if line.startswith("project("))
    return line.split("VERSION ")[1].split(" ")[0]


def prepare(cases) -> None:
    if not set(CASES) & set(cases):
        return
    packages = build_packages()
    if not {"life_of_package", "life_under_systemd"} & set(cases):
        return
    if os.geteuid() != 0:
        raise Skipped("only root can make a clean Debian")
    os.environ[DIRECTORY] = directory = tempfile.mkdtemp(prefix="berth-debian-")
    os.chmod(directory, 0o755)
    debian = Debian.unpack(pathlib.Path(directory))
    for package in packages:
        shutil.copy(package, debian.root)
    try:
        debian.apt("update")
        for wanted in (f"/{packages[0].name}", "systemd"):
            debian.apt("install", "--download-only", wanted)
    except Failed as why:
        raise Skipped(f"apt-get can't fetch what the package depends on: {why}") from why


def tidy_up() -> None:
    if directory := os.environ.get(DIRECTORY):
        shutil.rmtree(directory, ignore_errors=True)


def clean_debian(place: Place) -> Debian:
    """With both packages in its root directory, and what they depend on among apt's archives."""
    if why := os.environ.get(WHY_NOT):
        raise Skipped(why)
    return Debian(pathlib.Path(os.environ[DIRECTORY])).copy(place.directory / "debian")


def package_file(version: str) -> pathlib.Path:
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    return ROOT / f"build/package/berth_{version}_{architecture}.deb"


def lintian(place: Place) -> None:
    """Nothing is found but what an override explains."""
    changes = package_file(version_of_project()).with_suffix(".changes")
    done = subprocess.run(["lintian", "--allow-root", "--display-info", "--pedantic", changes],
                          capture_output=True, text=True, check=False)  # fmt: skip
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("N:")]
    expect(done.returncode == 0 and not said, "\n".join(said))


class Life:
    """The steps, in their order."""

    def __init__(self, place: Place, debian: Debian):
        self.place, self.debian = place, debian
        self.package = package_file(version_of_project())
        self.newer = package_file(version_of_project() + NEWER)
        self.config = debian.path("/etc/berth/berth.toml")
        self.key = debian.path("/var/lib/berth/handle.key")

    def serve(self) -> None:
        """As the unit does."""
        self.place.serve_command(*self.debian.command("/usr/bin/berth", "serve", "--config", "/etc/berth/berth.toml"))

    def read(self) -> str:
        return self.place.run("nfs-cat", "nfs://127.0.0.1/srv/data/hello.txt?version=3")

    def installed(self) -> None:
        debian = self.debian
        debian.apt("install", f"/{self.package.name}")
        expect(debian.status_of("berth") == f"{version_of_project()} installed", debian.status_of("berth"))
        expect(debian.run("berth", "version") == f"berth {version_of_project()}\n", "berth version")
        expect(not debian.run("dpkg", "--verify", "berth"), "files differ from those in the package")
        conffiles = debian.run("dpkg-query", "-W", "-f", "${Conffiles}", "berth").split()
        expect([name for name in conffiles if name.startswith("/")] == ["/etc/berth/berth.toml"], f"conffiles: {conffiles}")
        expect(debian.path("/lib/systemd/system/berth.service").exists(), "there is no unit")
        enabled = [path for path in debian.path("/etc/systemd").rglob("berth*")]
        expect(not enabled, f"the service is enabled: {enabled}")

    def exports_nothing(self) -> None:
        said = self.debian.run("berth", "serve", "--config", "/etc/berth/berth.toml", status=2)
        expect("nothing to export" in said, said)

    def serves(self) -> None:
        data = self.debian.path("/srv/data")
        data.mkdir()
        (data / "hello.txt").write_text("hello\n")
        self.debian.path("/etc/exports").write_text("/srv/data 127.0.0.1(rw,insecure,no_root_squash)\n")
        self.serve()
        self.place.run("rpcinfo", "-T", "tcp", "127.0.0.1", "nfs", "3")
        self.place.run("rpcinfo", "-T", "udp", "127.0.0.1", "mountd", "3")
        expect(self.read() == "hello\n", "the file that was read is another one")
        mine = self.place.directory / "mine.txt"
        mine.write_text("from a client\n")
        self.place.run("nfs-cp", mine, "nfs://127.0.0.1/srv/data/mine.txt?version=3")
        expect((data / "mine.txt").read_text() == "from a client\n", "the file that was written is another one")

    def upgraded_while_it_serves(self) -> None:
        key = self.key.read_bytes()
        self.config.write_text(self.config.read_text() + "\nlog-level = 'debug'\n")
        self.debian.apt("install", f"/{self.newer.name}")
        expect(self.debian.status_of("berth") == f"{version_of_project()}{NEWER} installed", self.debian.status_of("berth"))
        expect("log-level = 'debug'" in self.config.read_text(), "the administrator's configuration is gone")
        expect(self.key.read_bytes() == key, "the key of file handles is another one")
        expect(self.read() == "hello\n", "the running server no longer serves")
        self.place.stop_servers()
        self.serve()
        expect(self.read() == "hello\n", "the new server does not serve")
        self.place.stop_servers()
        log = sorted(self.place.directory.glob("*.log"))[-1]
        expect("debug" in log.read_text(), "the new server does not follow the configuration")

    def removed(self) -> None:
        self.debian.apt("remove", "berth")
        expect(not self.debian.path("/usr/bin/berth").exists(), "the program is still there")
        expect(self.config.exists(), "the configuration is gone")
        expect(self.key.exists(), "the key of file handles is gone")

    def purged(self) -> None:
        self.debian.apt("purge", "berth")
        expect("berth" not in self.debian.run("dpkg-query", "-W", "-f", "${Package}\n").split(), "dpkg still knows it")
        self.debian.path("/etc/exports").unlink()
        found = self.debian.run("find", "/", "-xdev", "-name", "*berth*", "!", "-name", "*.deb").split()
        expect(not found, f"left behind: {found}")
        expect((self.debian.path("/srv/data/mine.txt")).exists(), "the exported files are gone")


def follow(steps) -> None:
    for step in steps:
        try:
            step()
        except Exception as error:
            raise Failed(f"{step.__name__}: {error}") from error


def life_of_package(place: Place) -> None:
    """Without systemd, as in a container."""
    with clean_debian(place).with_proc() as debian:
        life = Life(place, debian)
        try:
            follow((life.installed, life.exports_nothing, life.serves, life.upgraded_while_it_serves, life.removed, life.purged))
        finally:
            place.kill_servers()


class LifeUnderSystemd:
    def __init__(self, place: Place, debian: Booted):
        self.place, self.debian = place, debian

    def state(self, name: str) -> str:
        return self.debian.run("systemctl", "show", "berth", "--value", "-p", name).strip()

    def expect_status(self, text: str) -> None:
        await_condition(lambda: self.state("StatusText") == text, f"systemd to know that berth {text}")

    def read(self) -> str:
        return self.place.run(*self.debian.beside("nfs-cat", "nfs://127.0.0.1/srv/data/hello.txt?version=3"))

    def installed(self) -> None:
        self.debian.apt("install", f"/{package_file(version_of_project()).name}")
        self.debian.run("systemctl", "is-enabled", "berth", status=1)
        expect(self.state("ActiveState") == "inactive", "the installation has started the service")
        expect(self.debian.run("stat", "-c", "%a %U", "/var/lib/berth") == "700 root\n", "the state directory")
        self.debian.run("id", "berth")

    def refuses_to_export_nothing(self) -> None:
        self.debian.run("systemctl", "start", "berth", status=1)
        expect(self.state("ActiveState") == "failed" and self.state("NRestarts") == "0", "it is tried again and again")
        self.debian.run("systemctl", "reset-failed", "berth")

    def serves(self) -> None:
        """As README.md says; then for clients on this machine."""
        block = re.search(r"<!-- service -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
        for command in block.splitlines():
            if not command.startswith(("scripts/package", "apt-get")):
                self.debian.run("sh", "-c", command)
        self.expect_status("serves 1 export")
        self.debian.path("/etc/exports").write_text("/srv/data 127.0.0.1(rw,insecure)\n")
        self.debian.run("systemctl", "reload", "berth")
        data = self.debian.path("/srv/data")
        data.chmod(0o777)
        (data / "hello.txt").write_text("hello\n")
        await_condition(lambda: "127.0.0.1" in self.place.run(*self.debian.beside("showmount", "-e", "127.0.0.1")), "the reload")
        expect(self.read() == "hello\n", "the file that was read is another one")
        self.debian.path("/mine.txt").write_text("from a client\n")
        url = "nfs://127.0.0.1/srv/data/mine.txt?version=3&uid=1234&gid=1234"
        self.place.run(*self.debian.beside("nfs-cp", self.debian.path("/mine.txt"), url))
        expect((data / "mine.txt").stat().st_uid == 1234, "the file does not belong to the caller")

    def reloads(self) -> None:
        with self.debian.path("/etc/exports").open("a") as exports:
            exports.write("/srv 127.0.0.1(ro,insecure)\n")
        self.debian.run("systemctl", "reload", "berth")
        self.expect_status("serves 2 exports")

    def is_restarted_by_an_upgrade(self) -> None:
        before = self.state("MainPID")
        self.debian.apt("install", f"/{package_file(version_of_project() + NEWER).name}")
        expect(self.state("MainPID") not in (before, "0"), "the old program still runs, or none")
        self.expect_status("serves 2 exports")
        expect(self.read() == "hello\n", "the new program does not serve")

    def serves_without_root(self) -> None:
        folder = self.debian.path("/etc/systemd/system/berth.service.d")
        folder.mkdir()
        shutil.copy(ROOT / "packaging/examples/unprivileged.conf", folder)
        self.debian.run("systemctl", "daemon-reload")
        self.debian.run("systemctl", "restart", "berth")
        self.expect_status("serves 2 exports")
        expect(self.read() == "hello\n", "the file that was read is another one")
        expect(self.debian.run("stat", "-c", "%U", "/var/lib/berth") == "berth\n", "the state directory is not the user's")
        shutil.rmtree(folder)
        self.debian.run("systemctl", "daemon-reload")

    def purged(self) -> None:
        self.debian.apt("purge", "berth")
        expect(self.state("ActiveState") == "inactive" and self.state("LoadState") == "not-found", "it still runs")
        left = list(self.debian.path("/etc/systemd").rglob("*berth*"))
        expect(not left, f"left behind: {left}")


def life_under_systemd(place: Place) -> None:
    debian = clean_debian(place)
    with debian.with_proc():
        debian.apt("install", "systemd")
    debian.path("/usr/sbin/policy-rc.d").unlink()
    with Booted(debian.root) as booted:
        life = LifeUnderSystemd(place, booted)
        try:
            follow((life.installed, life.refuses_to_export_nothing, life.serves, life.reloads, life.is_restarted_by_an_upgrade,
                    life.serves_without_root, life.purged))  # fmt: skip
        except Failed as error:
            raise Failed(f"{error}\n{booted.run('journalctl', '--unit=berth', '--no-pager')}") from error


def symbols_are_a_package(place: Place) -> None:
    """The package for debuggers has the symbols of just this program."""
    package = package_file(version_of_project())
    place.run("dpkg-deb", "-x", package, place.directory / "program")
    place.run("dpkg-deb", "-x", package.with_name(package.name.replace("berth_", "berth-dbgsym_")), place.directory / "symbols")
    program = Elf(place.directory / "program/usr/bin/berth")
    expect(program.section(".symtab") is None, "the program is not stripped")
    identity = program.build_id()
    symbols = place.directory / "symbols/usr/lib/debug/.build-id" / identity[:2] / f"{identity[2:]}.debug"
    expect(symbols.exists(), f"no {symbols}")
    expect(Elf(symbols).section(".debug_info") is not None, "the symbols have no lines and types")


CASES = {case.__name__: case for case in (lintian, symbols_are_a_package, life_of_package, life_under_systemd)}
