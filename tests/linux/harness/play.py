"""Running one case: on its guests, with the server it asks for and the local witness beside it."""

import dataclasses
import os
import pathlib
import threading
import time

from harness.guest import Guest, Lost
from harness.local import Local
from harness.server import Failed, Server, Servers
from suite import Case

LONG = 10  # times as long may a case take with --long


@dataclasses.dataclass
class Outcome:
    name: str
    seconds: float
    why: str = ""  # empty: passed
    console: list[str] = dataclasses.field(default_factory=list)
    log: pathlib.Path | None = None


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Meeting:
    """Where two guests wait for each other and exchange a value."""

    def __init__(self):
        self._barrier = threading.Barrier(2)
        self._brought = {}

    def meet(self, client: int, value, seconds: float):
        self._brought[client] = value
        self._barrier.wait(seconds)
        other = self._brought[3 - client]
        self._barrier.wait(seconds)  # nobody brings the next value before both have this one
        return other

    def give_up(self) -> None:
        self._barrier.abort()


class Play:
    """One case being run."""

    def __init__(self, case: Case, servers: Servers, long: bool):
        self.case = case
        self._long = long
        self._limit = case.seconds * (LONG if long else 1)
        self._server: Server = servers[case.server]
        self._local = Local(self._server, case.name)
        self._meeting = Meeting()
        self._reasons: list[str] = []
        self._console: list[str] = []

    def on(self, guests: list[Guest]) -> Outcome:
        began = time.monotonic()
        try:
            self._server.start()
            os.makedirs(self._local.path())
            os.chmod(self._local.path(), 0o777)
            run_all([threading.Thread(target=self._on_one, args=[guest]) for guest in guests])
        except Failed as failed:
            self._reasons.append(str(failed))
        finally:
            self._local.close()
        seconds = time.monotonic() - began
        why = "; ".join(self._reasons)
        return Outcome(self.case.name, seconds, why, self._console, self._server.log)

    def _on_one(self, guest: Guest) -> None:
        since = guest.console.stat().st_size
        try:
            guest.boot()
            since = guest.console.stat().st_size
            guest.send("run", self.case.name, self._facts(guest))
            why = self._serve(guest, time.monotonic() + self._limit)
        except (Lost, OSError) as lost:
            guest.forget()
            why = f"guest {guest.number} {lost} (limit {self._limit} s)"
        if why:
            self._meeting.give_up()
            self._reasons.append(why)
            self._console += guest.last_words(since)

    def _facts(self, guest: Guest) -> dict:
        kind = self._server.kind
        return {
            "client": guest.number, "long": self._long, "port": kind.port, "portmap": kind.portmap,
            "export": str(self._server.export), "directory": self.case.name,
            "seconds": self._limit, "host": kind.address,
        }  # fmt: skip

    def _serve(self, guest: Guest, deadline: float) -> str:
        """Answers the guest's calls until the case has ended there; why it failed, or nothing."""
        why = None
        while True:
            order, *what = guest.receive(deadline - time.monotonic())
            if order == "call" and what[0] == "lose_power":
                return self._lose_power(guest, deadline)
            if order == "call":
                guest.send(*self._called(guest, deadline, *what))
            elif order == "ended":
                return f"its process ended with status {what[0]}" if why is None else why
            else:
                why = what[0]

    def _lose_power(self, guest: Guest, deadline: float) -> str:
        """Ends the guest on the spot. The other one learns of it when it meets next, and when it
        meets once more, the guest boots; the case is over there."""
        guest.forget()
        try:
            for _ in range(2):
                self._meeting.meet(guest.number, None, deadline - time.monotonic())
        except threading.BrokenBarrierError:
            return "the other guest did not meet it"
        guest.boot()
        return ""

    def _called(self, guest: Guest, deadline: float, name: str, arguments: tuple):
        try:
            if name == "meet":
                left = deadline - time.monotonic()
                return self._meeting.meet(guest.number, *arguments, left), None
            return getattr(self._local, name)(*arguments), None
        except Exception as error:  # raised again in the guest
            return None, error
