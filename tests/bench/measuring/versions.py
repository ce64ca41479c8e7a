"""berth beside another build of itself: no row may be below a limit of what the other does."""

import math
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


PAIRS = 8  # of short measurements between two starts of the servers
STARTS_MIN = 3


def interval(ratios: list[float]) -> tuple[float, float]:
    """Where the median lies, with 95 % certainty (order statistics)."""
    ranked, half = sorted(ratios), 0.98 * math.sqrt(len(ratios))
    middle = (len(ratios) - 1) / 2
    return ranked[max(0, math.floor(middle - half))], ranked[min(len(ratios) - 1, math.ceil(middle + half))]


def is_settled(ratios: list[float]) -> bool:
    low, high = interval(ratios)
    return low >= NO_SLOWER or high < NO_SLOWER


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

    def _add(self, name: str, metric: str, pairs: list[tuple[dict, dict]], key: str) -> None:
        ratios = [ours[key] / theirs[key] for ours, theirs in pairs]
        low, high = interval(ratios)
        about = f"{low:.2f} to {high:.2f} by {len(pairs)} pairs"
        if "server_cpu_us" in pairs[0][0]:
            # Time that a host takes from the machine is not in it, so this settles sooner than speed does.
            cpu = statistics.median(ours["server_cpu_us"] / theirs["server_cpu_us"] for ours, theirs in pairs)
            about += f"; CPU time per call: {cpu:.2f} x"
        our, their = (statistics.median(pair[side][key] for pair in pairs) for side in (0, 1))
        ratio = statistics.median(ratios)
        self.rows.append(Row(name, metric, our, None, their, ratio, "the other", True, NO_SLOWER, in_the_way=about))
        print(f"  {name}: {ratio:.2f} x ({about})", file=sys.stderr, flush=True)

    def _pairs(self, name: str, servers: tuple[Server, Server], measure, key: str = "calls_per_s") -> None:
        """Short measurements in turns, so that what else the machine and its host do meets both; servers that are started
        again and again, because what happens at the start decides for a long time where calls run. Ends when it is clear
        on which side of the limit the median of the ratios lies, or after as many starts as there may be rounds."""
        pairs: list[tuple[dict, dict]] = []
        for start in range(max(self._lab.settings.rounds, STARTS_MIN)):
            for server in servers if start % 2 == 0 else reversed(servers):
                server.restart()
            for number in range(PAIRS):
                ours_first = (number + start) % 2 == 0
                found = {s: measure(s, start) for s in (servers if ours_first else reversed(servers))}
                pairs.append((found[servers[0]], found[servers[1]]))
            for server in servers:
                server.stop()
            if start + 1 >= STARTS_MIN and is_settled([ours[key] / theirs[key] for ours, theirs in pairs]):
                break
        self._add(name, key.replace("_per_", "/"), pairs, key)

    def _rows_of(self, work: str) -> None:
        lab, (name, shapes) = self._lab, WORKS[work]
        callers = [("", ())] + [(" as a user", ("--caller", USER))] * (work in OF_A_USER)
        for shape in shapes:
            pinned = ("--pin", 0) if shape == "1x1" else ()
            for of_whom, caller in callers:
                options = ["--shape", shape, "--seconds", lab.settings.seconds / 2, *pinned, *caller]
                self._pairs(
                    f"{name} {shape.replace('x', ' x ')}{of_whom}", (lab.berth, lab.other),
                    lambda server, round_, options=options: lab.load(server, work, *options, round_=round_),
                )  # fmt: skip

    def _synced(self) -> None:
        lab = self._lab
        options = ["--shape", "4x8", "--seconds", lab.settings.seconds / 2]
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
