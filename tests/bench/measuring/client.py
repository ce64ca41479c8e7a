"""A real Linux kernel as the client: a guest of tests/linux, and servers on a network that it reaches.

The guest is slow (a round trip takes half a millisecond, a new process 12 ms), so ratios are closer to 1
than on other machines; but which server makes it wait longer shows all the same.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import sys

here = pathlib.Path(__file__).resolve().parent
tests = here.parents[1]
sys.path.insert(0, str(tests / "linux"))  # whose `harness` boots guests

from harness.guest import Guest, Lost, build_preload  # noqa: E402
from harness.network import SERVER_IPV4, Network  # noqa: E402

from client.works import WORKS, Sizes  # noqa: E402
from measuring.servers import Berth, Failed, Ganesha, Server, Skipped, cpu_seconds  # noqa: E402

BERTH_PORT, GANESHA_PORT, GANESHA_MOUNT_PORT = 2049, 2059, 2069
WORK_SECONDS_MAX = 900


FULL = Sizes(small_files=20_000, source_files=1500, bulk_mib=256, random_seconds=3)
QUICK = Sizes(small_files=2000, source_files=300, bulk_mib=64, random_seconds=1)
SMOKE = Sizes(small_files=120, source_files=20, bulk_mib=2, random_seconds=0.2)


def needs() -> None:
    """Raises Skipped where there can be no guest, and says why."""
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        raise Skipped("a guest needs root and /dev/net/tun")
    missing = [program for program in "linux.uml mount.nfs rpcbind fio git tar".split() if not shutil.which(program)]
    if missing:
        raise Skipped(f"not installed: {' '.join(missing)}")


class Client:
    """The guest with everything mounted. Closed at the end, whatever happens."""

    def __init__(self, berth: pathlib.Path, directory: pathlib.Path, sizes: Sizes, with_ganesha: bool):
        self._closing = contextlib.ExitStack()
        try:
            self._open(berth, directory, sizes, with_ganesha)
        except BaseException:
            self.close()
            raise

    def _open(self, berth: pathlib.Path, directory: pathlib.Path, sizes: Sizes, with_ganesha: bool) -> None:
        directory.mkdir()
        network = Network(1)
        self._closing.callback(network.remove)
        where = {"prefix": network.inside(), "probe": network.answers}
        self.servers: list[Server] = [Berth(berth, directory, BERTH_PORT, address=SERVER_IPV4, **where)]
        if with_ganesha:
            self.servers.append(Ganesha(directory, GANESHA_PORT, GANESHA_MOUNT_PORT, **where))
        for server in self.servers:
            self._closing.callback(server.stop)
            server.start()
        worker = tests / "bench" / "client" / "worker.py"
        self._guest = Guest(1, network, directory, build_preload(directory), worker)
        self._closing.callback(self._guest.close)
        self._closing.callback(self._guest.power_off)
        with self._losing():
            self._guest.boot()
        self._order("prepare", dataclasses.asdict(sizes))
        for server in self.servers:
            self._order("mount", server.name, SERVER_IPV4, server.port, server.mount_port, str(server.export))

    @contextlib.contextmanager
    def _losing(self):
        try:
            yield
        except Lost as lost:
            console = "\n".join(self._guest.last_words())
            raise Failed(f"the guest {lost}\n{console}") from None

    def _order(self, *order):
        with self._losing():
            self._guest.send(*order)
            answer, why = self._guest.receive(WORK_SECONDS_MAX)
        if why:
            raise Failed(f"{' '.join(map(str, order))}: {why}")
        return answer

    def rounds(self, count: int):
        """Every work on every server in every round, as (work, server's name, round, result).

        An even number of rounds, so that each server is as often the one that goes first.
        """
        for round_ in range(count + count % 2):
            directory = f"round-{round_}"
            order = self.servers if round_ % 2 == 0 else self.servers[::-1]
            for work in WORKS:
                for server in order:
                    yield work, server.name, round_, self._work(work, server, directory)
            for server in self.servers:
                shutil.rmtree(server.export / directory)

    def _work(self, work: str, server: Server, directory: str) -> dict:
        """Seconds that it took, or MB/s, or calls/s, as the work tells; and the server's CPU time."""
        os.sync()  # what another server has left to be written is not this one's work
        cpu = cpu_seconds(server.pid)
        value = self._order("work", work, server.name, directory)
        return {"value": value, "server_cpu_s": cpu_seconds(server.pid) - cpu}

    def close(self) -> None:
        self._closing.close()
