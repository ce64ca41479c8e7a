"""The rows of the table: what is measured, and the targets. A group is what --only chooses."""

import contextlib
import dataclasses
import os
import statistics
import sys
import typing

from measuring import client as clients
from measuring.lab import Lab, Row, medians
from measuring.servers import Failed

SMALL = {"null": "NULL", "getattr": "GETATTR", "access": "ACCESS", "lookup": "LOOKUP"}
# work: name, times Ganesha's rate, times the floor's CPU
READS = {
    "read_4k": ("READ 4 KiB, cached", 3, 2),
    "read_64k": ("READ 64 KiB, cached", 1.5, 1.5),
    "read_1m": ("READ 1 MiB, cached", 1.2, 1.5),
}
WRITES = {
    "write_4k": ("WRITE 4 KiB, unstable", 4),
    "write_64k": ("WRITE 64 KiB, unstable", 1.3),
    "write_1m": ("WRITE 1 MiB, unstable", 1.3),
}
CHANGES = {
    "create_remove": "CREATE and REMOVE",
    "rename": "RENAME",
    "link_remove": "LINK and REMOVE",
    "setattr": "SETATTR",
}
# work of client/works.py: name, unit, whether more of that is better
CLIENT = {
    "clone": ("git clone", "s", False),
    "tar": ("tar x of {files:,} small files", "s", False),
    "list": ("ls -lR of them", "s", False),
    "remove": ("rm -r of them", "s", False),
    "sequential_write": ("fio, 1 MiB sequential writes", "MB/s", True),
    "sequential_read": ("fio, 1 MiB sequential reads", "MB/s", True),
    "random_read": ("fio, 4 KiB random reads", "calls/s", True),
    "random_write": ("fio, 4 KiB random writes", "calls/s", True),
}
NO_SLOWER = 1.05  # times the rival's: what counts as no slower, given the noise
LISTED_ENTRIES = 100_000
MIXED_CALLS = 10_000_000
SETTLING_CALLS = 1_000_000
LIKE_WITHOUT = 0.9  # of the rate without: what counts as "as fast", given the noise


SYSTEM_CALLS = {
    "getattr": "statx",
    "access": "statx and faccessat2",
    "lookup": "openat2, name_to_handle_at, close and two statx",
    "read_4k": "statx and pread, which copies what the floor has ready",
    "read_64k": "statx and pread, which copies what the floor has ready (locally into a buffer that stays in the cache)",
    "read_1m": "statx and pread, which copies what the floor has ready (locally into a buffer that stays in the cache)",
}


def _kernel(berth: dict, each: str = "call") -> str:
    cpu, kernel = berth["server_cpu_us"], berth["server_kernel_us"]
    return f"Of berth's {cpu:.2f} us of CPU per {each}, {kernel:.2f} are spent in the kernel"


def _busy(berth: dict) -> str:
    """Of a rate that the processors limit."""
    server, client = (berth["calls_per_s"] * berth[side] / 1e6 for side in ("server_cpu_us", "client_cpu_us"))
    return f"{_kernel(berth)}; server and client together keep {server + client:.1f} of {os.cpu_count()} CPUs busy"


def _value(results: dict, server: str, key: str) -> float | None:
    return results[server][key] if server in results else None


def _ratio(results: dict, key: str, other: str) -> float:
    return results["berth"][key] / results[other][key] if results[other][key] else float("inf")


def _shares_of(middle: dict, values: dict) -> str:
    """Of a work of the real client: how much of it was the server's, and how far the rounds differ."""
    spread = "; ".join(
        f"{server}'s rounds {min(each):.2f} to {max(each):.2f}"
        for server, each in ((name, [result["value"] for result in results]) for name, results in values.items())
    )
    berth, ganesha = (middle[server]["server_cpu_s"] for server in ("berth", "ganesha"))
    return f"berth worked {berth:.2f} s of CPU time for it, Ganesha {ganesha:.2f} s; {spread}"


class Table:
    """Measures what is asked for, row by row."""

    def __init__(self, lab: Lab):
        self._lab = lab
        self.rows: list[Row] = []
        self.groups: dict[str, typing.Callable] = {}
        for work in SMALL:
            self.groups[work] = lambda work=work: self._small(work)
        for work in READS:
            self.groups[work] = lambda work=work: self._read(work)
        for work in WRITES:
            self.groups[work] = lambda work=work: self._write(work)
        for work in CHANGES:
            self.groups[work] = lambda work=work: self._change(work)
        self.groups |= {
            "sync": self._sync, "list": self._list, "memory": self._memory, "idle": self._idle,
            "start": self._start, "p99": self._p99, "client": self._client,
            "micro": self._micro,
        }  # fmt: skip

    def measure(self, group: str) -> None:
        rows, raw = len(self.rows), len(self._lab.raw)
        try:
            self.groups[group]()
        finally:
            settings = self._lab.settings
            said = {"group": group, "rounds": settings.rounds, "urgent": settings.urgent, "load": os.getloadavg()[0]}
            self.rows[rows:] = [dataclasses.replace(row, **said) for row in self.rows[rows:]]
            for result in self._lab.raw[raw:]:
                result["group"] = group

    def _add(self, row: Row, in_the_way: typing.Callable[[], str]) -> None:
        """What stands in the way is asked, and measured, only where something does."""
        self.rows.append(row)
        if row.met:
            return
        try:
            self.rows[-1] = dataclasses.replace(row, in_the_way=in_the_way())
        except Failed as failed:
            self.rows[-1] = dataclasses.replace(row, in_the_way=f"could not be measured ({failed})")

    def _rounds(self, work: str, shape: str, key: str) -> str:
        """How far the rounds of the latest comparison differ."""
        connections, in_flight = map(int, shape.split("x"))
        about = {"work": work, "connections": connections, "in_flight": in_flight}
        said = []
        for server in ("berth", "floor"):
            wanted = about | {"server": server}
            values = [raw[key] for raw in self._lab.raw if wanted.items() <= raw.items()]
            rounds = sorted(values[-self._lab.settings.rounds :])
            said.append(f"{server}'s {', '.join(f'{value:.1f}' for value in rounds)}")
        return f"The rounds differ: {'; '.join(said)}"

    def _against(self, results: dict, work: str, metric: str, key: str, other: str, at_least: bool, limit: float,
                 in_the_way: typing.Callable[[], str]) -> None:  # fmt: skip
        """A row whose value is berth's share of another's."""
        if other not in results:
            return
        third = "local" if other == "local" else "floor"
        row = Row(work, metric, results["berth"][key], _value(results, "ganesha", key), _value(results, third, key),
                  _ratio(results, key, other), {"ganesha": "Ganesha", "floor": "floor", "local": "local calls"}[other],
                  at_least, limit)  # fmt: skip
        self._add(row, in_the_way)

    def _local(self, work: str) -> float:
        """Microseconds of CPU that the system calls of one such call take, made locally."""
        rounds = range(self._lab.settings.rounds)
        return statistics.median(self._lab.local(work, round_)["server_cpu_us"] for round_ in rounds)

    def _calls_of_the_system(self, work: str, results: dict) -> str:
        local, floor = self._local(work), results["floor"]["server_cpu_us"]
        return (
            f"{SYSTEM_CALLS[work]}, {local:.2f} us when made locally: {local / floor:.1f} x all that the floor does. "
            f"{_kernel(results['berth'])}"
        )

    def _canned(self, results: dict) -> str:
        """How near a round trip can come to nothing but the sockets."""
        options = ["--shape", "1x1", "--seconds", self._lab.settings.seconds, "--pin", 0]
        rounds = range(self._lab.settings.rounds)
        canned = statistics.median(
            self._lab.load(self._lab.floor, "getattr", *options, round_=round_)["p50_us"] for round_ in rounds
        )
        return (
            f"A canned reply takes {canned:.1f} us over the same connection, "
            f"{canned / results['ganesha']['p50_us']:.2f} of Ganesha's round trip"
        )

    def _small(self, work: str) -> None:
        name, servers = SMALL[work], [*self._lab.rivals, self._lab.floor]
        many = self._lab.compare(work, "4x16", servers)
        self._against(many, f"{name} 4 x 16", "calls/s", "calls_per_s", "ganesha", True, 5,
                      lambda: _busy(many["berth"]))  # fmt: skip
        self._against(many, f"{name} 4 x 16", "CPU us/call", "server_cpu_us", "floor", False, 3,
                      lambda: self._calls_of_the_system(work, many) if work in SYSTEM_CALLS else _kernel(many["berth"])
                      )  # fmt: skip
        one = self._lab.compare(work, "1x1", servers)
        self._against(one, f"{name} 1 x 1", "round trip us", "p50_us", "floor", False, 1.6,
                      lambda: f"{self._rounds(work, '1x1', 'p50_us')}. {_kernel(one['berth'])}")  # fmt: skip

    def _read(self, work: str) -> None:
        name, rate, cpu = READS[work]
        results = self._lab.compare(work, "4x8", [*self._lab.rivals, self._lab.floor])
        self._against(results, f"{name} 4 x 8", "MB/s", "mb_per_s", "ganesha", True, rate,
                      lambda: _busy(results["berth"]))  # fmt: skip
        self._against(results, f"{name} 4 x 8", "CPU us/call", "server_cpu_us", "floor", False, cpu,
                      lambda: self._calls_of_the_system(work, results))  # fmt: skip

    def _write(self, work: str) -> None:
        name, rate = WRITES[work]
        results = self._lab.compare(work, "4x8", [*self._lab.rivals, self._lab.floor])
        self._against(results, f"{name} 4 x 8", "MB/s", "mb_per_s", "ganesha", True, rate,
                      lambda: _busy(results["berth"]))  # fmt: skip

    def _change(self, work: str) -> None:
        name = CHANGES[work]
        many = self._lab.compare(work, "4x8", self._lab.rivals, with_local=True)
        self._against(many, f"{name} 4 x 8", "calls/s", "calls_per_s", "ganesha", True, 4,
                      lambda: _busy(many["berth"]))  # fmt: skip
        self._against(many, f"{name} 4 x 8", "CPU us/call", "server_cpu_us", "local", False, 3,
                      lambda: f"{_kernel(many['berth'])}: the change, attributes before and after it, and the sockets"
                      )  # fmt: skip
        one = self._lab.compare(work, "1x1", self._lab.rivals)
        self._against(one, f"{name} 1 x 1", "round trip us", "p50_us", "ganesha", False, 0.6,
                      lambda: self._canned(one))  # fmt: skip

    def _sync(self) -> None:
        """Names on disk before the reply: one after the other, and as many as share the disk's work."""
        seconds = ["--seconds", self._lab.settings.seconds]
        found: dict[str, list] = {"1x1": [], "4x8": []}
        for round_ in range(self._lab.settings.rounds):
            for shape, rates in found.items():
                result = self._lab.load(self._lab.sync, "create", "--shape", shape, *seconds, round_=round_)
                rates.append(result)
        single, together = (medians(rates) for rates in found.values())
        one, many = single["calls_per_s"], together["calls_per_s"]
        self._add(
            Row("CREATE under sync, 32 in flight", "calls/s", many, None, one, many / one, "one in flight", True, 8),
            lambda: f"One in flight takes only {single['p50_us']:.0f} us in all. {_busy(together)}",
        )

    def _list(self) -> None:
        """A restart before each: nothing is in the server's own memory."""
        entries = 2000 if self._lab.settings.smoke else LISTED_ENTRIES
        rates: dict[str, list] = {}
        for server in self._lab.rivals:
            directory = server.export / "listed"
            directory.mkdir()
            for number in range(entries):
                (directory / f"entry-{number:06}").touch()
        for round_ in range(self._lab.settings.rounds):
            for server in self._lab.rivals:
                server.restart()
                options = ["--directory", "listed", "--entries", entries]
                result = self._lab.load(server, "list", *options, round_=round_)
                rates.setdefault(server.name, []).append(result)
        found = {name: medians(values) for name, values in rates.items()}
        work = f"READDIRPLUS of {entries:,} entries, server just started"
        self._against(found, work, "entries/s", "entries_per_s", "ganesha", True, 4,
                      lambda: f"statx and name_to_handle_at for each entry. {_kernel(found['berth'], 'entry')}; "
                      f"Ganesha takes {found['ganesha']['server_cpu_us']:.2f} us")  # fmt: skip

    def _memory(self) -> None:
        quick, smoke = self._lab.settings.quick, self._lab.settings.smoke
        berth = self._lab.berth
        berth.restart()
        connections = 100 if smoke else 1000
        result = self._lab.load(berth, "null", "--seconds", 0.1, "--idle", connections)
        idle, connected = (kib / 1024 for kib in result["rss_kib"][:2])
        self.rows.append(Row("Resident memory, idle", "MiB", idle, None, None, idle, "MiB", False, 20, is_ratio=False))
        self.rows.append(
            Row(f"with {connections:,} connections", "MiB", connected, None, None, connected, "MiB", False, 60,
                is_ratio=False)
        )
        settling, calls = SETTLING_CALLS, MIXED_CALLS
        if quick:
            settling, calls = settling // 10, calls // 10
        if smoke:
            settling, calls = 1000, 1000
        before, after = (self._mixed(count) for count in (settling, calls))
        self._add(
            Row(f"after {calls:,} calls of all kinds, of that after {settling:,}", "MiB", after, None, before,
                after / before, "before", False, 1.02),
            lambda: f"After as many calls again it is {self._mixed(calls):.1f} MiB",
        )  # fmt: skip

    def _mixed(self, calls: int) -> float:
        """Resident MiB after so many calls of all kinds."""
        result = self._lab.load(self._lab.berth, "mixed", "--shape", "4x16", "--calls", calls)
        return result["rss_kib"][2] / 1024

    def _idle(self) -> None:
        count = 200 if self._lab.settings.smoke else 10_000
        rates: dict[int, list] = {0: [], count: []}
        for round_ in range(self._lab.settings.rounds):
            for idle, found in rates.items():
                result = self._lab.load(
                    self._lab.berth, "getattr", "--shape", "4x16", "--seconds", self._lab.settings.seconds,
                    "--idle", idle, round_=round_,
                )  # fmt: skip
                found.append(result["calls_per_s"])
        without, beside = (statistics.median(found) for found in rates.values())
        self.rows.append(
            Row(f"GETATTR 4 x 16 beside {count:,} idle connections", "calls/s", beside, None, without,
                beside / without, "without", True, LIKE_WITHOUT)
        )  # fmt: skip

    def _start(self) -> None:
        berth = self._lab.berth
        berth.stop()
        took = statistics.median(
            self._lab.load(berth, "start", round_=i, command=tuple(berth.command()))["start_ms"]
            for i in range(self._lab.settings.rounds)
        )
        self.rows.append(
            Row("Start to first served call", "ms", took, None, None, took, "ms", False, 50, is_ratio=False)
        )

    def _p99(self) -> None:
        """One caller's round trips, alone and beside another client's bulk of synchronous writes."""
        seconds = ["--seconds", self._lab.settings.seconds, "--shape", "1x1"]
        beside = "write_sync_1m@2x2" if self._lab.settings.smoke else "write_sync_1m@4x25"
        found: dict[str, tuple[list, list]] = {}
        for round_ in range(self._lab.settings.rounds):
            for server in self._lab.rivals:
                alone, busy = found.setdefault(server.name, ([], []))
                alone.append(self._lab.load(server, "getattr", *seconds, round_=round_)["p99_us"])
                result = self._lab.load(server, "getattr", *seconds, "--beside", beside, round_=round_)
                busy.append(result["p99_us"])
        middle = {name: [statistics.median(values) for values in pair] for name, pair in found.items()}
        alone, busy = middle["berth"]
        ganesha = middle["ganesha"][1] if "ganesha" in middle else None
        all_alone, all_busy = ([f"{value:.0f}" for value in sorted(values)] for values in found["berth"])
        self._add(
            Row("p99 of GETATTR beside 100 x 1 MiB FILE_SYNC writes", "us", busy, ganesha, alone, busy / alone,
                "alone", False, 5),
            lambda: f"The rounds differ: {', '.join(all_busy)} us beside the writes, {', '.join(all_alone)} alone; "
            f"server, writer and caller share {os.cpu_count()} CPUs",
        )  # fmt: skip

    def _client(self) -> None:
        """The Linux kernel's own client, and the programs that people run on a mounted directory."""
        clients.needs()
        settings = self._lab.settings
        sizes = clients.SMOKE if settings.smoke else clients.QUICK if settings.quick else clients.FULL
        found: dict[str, dict[str, list]] = {}
        berth, directory = settings.programs / "berth", settings.scratch / "client"
        with contextlib.closing(clients.Client(berth, directory, sizes, bool(self._lab.ganesha))) as client:
            for work, server, round_, result in client.rounds(settings.rounds):
                speed = result["value"] if CLIENT[work][2] else 1 / result["value"]
                label = f"Linux client: {work}"
                self._lab.raw.append({"work": label, "server": server, "round": round_, "speed": speed, **result})
                found.setdefault(work, {}).setdefault(server, []).append(result)
                print(f"  {label}, {server}: {result['value']:,.1f}", file=sys.stderr, flush=True)
        faster = 0
        for work, values in found.items():
            middle = {server: medians(each) for server, each in values.items()}
            name, unit, more_is_better = CLIENT[work]
            name = f"Linux client: {name.format(files=sizes.small_files)}"
            limit = round(1 / NO_SLOWER, 2) if more_is_better else NO_SLOWER
            self._against(middle, name, unit, "value", "ganesha", more_is_better, limit,
                          lambda middle=middle, values=values: _shares_of(middle, values))  # fmt: skip
            if "ganesha" in middle:
                ratio = _ratio(middle, "value", "ganesha")
                faster += ratio > 1 if more_is_better else ratio < 1
        if self._lab.ganesha:
            self.rows.append(
                Row("Linux client: works that are faster than Ganesha's", "of all", faster, None, len(found),
                    faster, f"of {len(found)}", True, len(found) // 2 + 1, is_ratio=False)
            )  # fmt: skip

    def _micro(self) -> None:
        """No targets: for comparing berth with itself."""
        for result in self._lab.micro():
            taken = result["allocations"]
            heap = "" if taken is None else f", {taken:g} allocations"
            print(f"  {result['work']}: {result['cpu_ns']:,.0f} ns of CPU{heap}", file=sys.stderr, flush=True)
