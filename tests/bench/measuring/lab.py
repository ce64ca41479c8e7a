"""Where measurements are made: the servers, the programs, and the results so far."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

from measuring.servers import Berth, Failed, Floor, Ganesha, Server

BERTH_PORT, SYNC_PORT, FLOOR_PORT, GANESHA_PORT, GANESHA_MOUNT_PORT = 20490, 20491, 20492, 20493, 20494
OTHER_PORT, OTHER_SYNC_PORT = 20495, 20496
LOAD_SECONDS_MAX = 1800


@dataclasses.dataclass(frozen=True)
class Row:
    """One target: a ratio or a size, and whether it is within its limit."""

    work: str
    metric: str
    berth: float | None
    ganesha: float | None
    floor: float | None  # or what else `against` names
    value: float
    against: str  # what `value` is a multiple of; its unit if it is no ratio
    at_least: bool
    limit: float
    is_ratio: bool = True
    in_the_way: str = ""  # of a target that is not met, with what was measured of that in the same run
    group: str = ""
    rounds: int = 0
    urgent: bool = False  # before all other work of the machine
    load: float = 0  # of the machine while it was measured, as the system averages it over a minute

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclasses.dataclass(frozen=True)
class Settings:
    rounds: int
    seconds: float
    quick: bool
    smoke: bool
    apart: bool  # each call in a send of its own
    urgent: bool
    programs: pathlib.Path  # build folder
    other: pathlib.Path | None  # another berth, to be measured against
    scratch: pathlib.Path


def medians(results: list[dict]) -> dict:
    """One result with the median of every number; lists element by element."""
    joined = {}
    for key, first in results[0].items():
        values = [result[key] for result in results]
        if isinstance(first, list):
            joined[key] = [statistics.median(column) for column in zip(*values)]
        elif isinstance(first, (int, float)):
            joined[key] = statistics.median(values)
    return joined


class Lab:
    def __init__(self, settings: Settings):
        self.settings = settings
        self.raw: list[dict] = []
        self._runs = 0
        where = (settings.scratch,)
        berth = settings.programs / "berth"
        self.berth = Berth(berth, *where, BERTH_PORT, [])
        self.sync = Berth(berth, *where, SYNC_PORT, [], name="berth-sync", options=("--sync",))
        self.floor = Floor(settings.programs / "tests/bench_floor", *where, FLOOR_PORT, [])
        self.ganesha = self.other = self.other_sync = None
        if settings.other:
            self.other = Berth(settings.other, *where, OTHER_PORT, [], name="other")
            self.other_sync = Berth(settings.other, *where, OTHER_SYNC_PORT, [], name="other-sync", options=("--sync",))
        elif not settings.smoke:
            self.ganesha = Ganesha(settings.scratch, GANESHA_PORT, GANESHA_MOUNT_PORT, [])

    def close(self) -> None:
        for server in (self.berth, self.sync, self.floor, self.ganesha, self.other, self.other_sync):
            if server:
                server.stop()

    @property
    def rivals(self) -> list[Server]:
        """berth, and Ganesha where it takes part."""
        return [self.berth, self.ganesha] if self.ganesha else [self.berth]

    def _run(self, command: list, about: dict) -> dict:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=LOAD_SECONDS_MAX
        )
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        result = json.loads(done.stdout)
        self.raw.append({**about, **result})
        return result

    def load(self, server: Server, work: str, *options, round_: int = 0, command: tuple = ()) -> dict:
        """One measurement of a server. What it leaves in the export is removed."""
        self._runs += 1
        name = f"run-{self._runs}"
        load = self.settings.programs / "tests/bench_load"
        fixed = ["--server", f"127.0.0.1:{server.port}", "--mount-port", server.mount_port,
                 "--export", server.export, "--name", name]  # fmt: skip
        if not command:
            server.start()
            fixed += ["--pid", server.pid]
        if self.settings.apart:
            fixed.append("--apart")
        try:
            about = {"server": server.name, "round": round_, "options": " ".join(map(str, options))}
            return self._run([load, *fixed, *options, work, *command], about)
        finally:
            for left in server.export.glob(f"{name}*"):
                shutil.rmtree(left)

    def local(self, work: str, round_: int) -> dict:
        """The same work by system calls in a directory of the same file system."""
        directory = self.settings.scratch / "local"
        directory.mkdir()
        try:
            program = self.settings.programs / "tests/bench_local"
            about = {"server": "local", "round": round_, "options": ""}
            return self._run([program, directory, work, self.settings.seconds], about)
        finally:
            shutil.rmtree(directory)

    def micro(self) -> list[dict]:
        """The microbenchmarks' results; CPU time in nanoseconds."""
        program = self.settings.programs / "tests/bench_micro"
        seconds = 0.001 if self.settings.smoke else self.settings.seconds / 2
        command = [program, "--benchmark_format=json", f"--benchmark_min_time={seconds}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_SECONDS_MAX)
        results = json.loads(done.stdout)["benchmarks"] if done.returncode == 0 else []
        wrong = [result["name"] for result in results if result.get("error_occurred")]
        if wrong or not results:
            raise Failed(f"{program}: {' '.join(wrong)}\n{done.stdout}{done.stderr}")
        found = [
            {"work": result["name"], "cpu_ns": result["cpu_time"], "allocations": result.get("allocations")}
            for result in results
        ]
        self.raw += [{"server": "micro", **result} for result in found]
        return found

    def compare(self, work: str, shape: str, servers: list[Server], with_local: bool = False) -> dict:
        """Medians by server's name, of interleaved rounds."""
        options = ["--shape", shape, "--seconds", self.settings.seconds]
        if shape == "1x1":
            options += ["--pin", 0]
        found: dict[str, list] = {server.name: [] for server in servers}
        for round_ in range(self.settings.rounds):
            for server in servers:
                found[server.name].append(self.load(server, work, *options, round_=round_))
            if with_local:
                found.setdefault("local", []).append(self.local(work, round_))
        said = ", ".join(
            f"{name} {statistics.median(result['calls_per_s'] for result in results):,.0f}/s"
            for name, results in found.items()
        )
        print(f"  {work} {shape}: {said}", file=sys.stderr, flush=True)
        return {name: medians(results) for name, results in found.items()}


@contextlib.contextmanager
def opened(settings: Settings):
    lab = Lab(settings)
    try:
        yield lab
    finally:
        lab.close()
