"""berth beside another build of itself: no row may be below a limit of what the other does."""

import statistics
import sys

from measuring.lab import Lab, Row
from measuring.rows import CHANGES, READS, SMALL, WRITES
from measuring.servers import Server

NO_SLOWER = 0.95
USER = "1000:1000"
# work: name, shapes
WORKS = {
    **{work: (name, ("4x16", "1x1")) for work, name in SMALL.items()},
    **{work: (name, ("4x8",)) for work, (name, *_) in {**READS, **WRITES}.items()},
    **{work: (name, ("4x8", "1x1")) for work, name in CHANGES.items()},
}
# What callers who are not the server's own user may do where anybody may.
OF_A_USER = ("getattr", "access", "lookup", "read_4k", "write_4k", "create_remove")


def best(rates: list[float]) -> float:
    """The mean of the best third. What else a machine does, and what its host does, only ever makes a round slower; on
    a virtual machine one round in three can be half as fast, and then a median takes a hundred rounds to settle."""
    return statistics.mean(sorted(rates)[-max(1, len(rates) // 3) :])


class Versions:
    """Measures row by row; the same groups for `--only` as there are works."""

    def __init__(self, lab: Lab):
        self._lab = lab
        # One directory for both: two directories of one file system can differ by some percent.
        lab.other.export, lab.other_sync.export = lab.berth.export, lab.sync.export
        for server in (lab.berth, lab.other, lab.sync, lab.other_sync):
            server.stop()
        self.rows: list[Row] = []
        self.groups = {work: lambda work=work: self._rows_of(work) for work in WORKS}
        self.groups["create"] = self._synced
        self.groups["list"] = self._listed

    def measure(self, group: str) -> None:
        self.groups[group]()

    def _add(self, name: str, ours: list[float], theirs: list[float], metric: str) -> None:
        ratios = [our / their for our, their in zip(ours, theirs)]
        rounds = f"its rounds are {min(ratios):.2f} to {max(ratios):.2f}, their median is {statistics.median(ratios):.2f}"
        our, their = best(ours), best(theirs)
        self.rows.append(Row(name, metric, our, None, their, our / their, "the other", True, NO_SLOWER, in_the_way=rounds))
        print(f"  {name}: {our / their:.2f} x ({rounds})", file=sys.stderr, flush=True)

    def _pairs(self, name: str, servers: tuple[Server, Server], measure, key: str = "calls_per_s") -> None:
        """Each server is first in every other round, just started (what happened to it before decides for a long time
        where its calls run), and alone."""
        found: dict[Server, list] = {server: [] for server in servers}
        for round_ in range(self._lab.settings.rounds):
            for server in servers if round_ % 2 == 0 else reversed(servers):
                server.restart()
                found[server].append(measure(server, round_)[key])
                server.stop()
        ours, theirs = (found[server] for server in servers)
        self._add(name, ours, theirs, key.replace("_per_", "/"))

    def _rows_of(self, work: str) -> None:
        lab, (name, shapes) = self._lab, WORKS[work]
        callers = [("", ())] + [(" as a user", ("--caller", USER))] * (work in OF_A_USER)
        for shape in shapes:
            pinned = ("--pin", 0) if shape == "1x1" else ()
            for of_whom, caller in callers:
                options = ["--shape", shape, "--seconds", lab.settings.seconds, *pinned, *caller]
                self._pairs(
                    f"{name} {shape.replace('x', ' x ')}{of_whom}", (lab.berth, lab.other),
                    lambda server, round_, options=options: lab.load(server, work, *options, round_=round_),
                )  # fmt: skip

    def _synced(self) -> None:
        lab = self._lab
        options = ["--shape", "4x8", "--seconds", lab.settings.seconds]
        self._pairs("CREATE under sync 4 x 8", (lab.sync, lab.other_sync),
                    lambda server, round_: lab.load(server, "create", *options, round_=round_))  # fmt: skip

    def _listed(self) -> None:
        lab, entries = self._lab, 20_000
        directory = lab.berth.export / "listed"
        directory.mkdir()
        directory.chmod(0o755)
        for number in range(entries):
            (directory / f"entry-{number:06}").touch()

        def measure(server: Server, round_: int) -> dict:
            return lab.load(server, "list", "--directory", "listed", "--entries", entries, round_=round_)

        self._pairs(f"READDIRPLUS of {entries:,} entries", (lab.berth, lab.other), measure, "entries_per_s")
