"""A network of our own: a namespace with a bridge (10.9.0.1, fd00:9::1) and a tap per guest."""

import ctypes
import os
import socket
import subprocess
import threading

SERVER_IPV4 = "10.9.0.1"
CLONE_NEWNET = 0x40000000


class Network:
    """Lives from construction to remove(); its name carries our pid, so that runs do not meet."""

    def __init__(self, guests: int):
        self.name = f"berth-linux-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        try:
            self._furnish(guests)
        except BaseException:
            self.remove()
            raise

    def _furnish(self, guests: int) -> None:
        lines = [
            "link set lo up",
            "link add br0 type bridge",
            f"addr add {SERVER_IPV4}/24 dev br0",
            "addr add fd00:9::1/64 dev br0 nodad",
            "link set br0 up",
        ]
        for n in range(1, guests + 1):
            lines += [
                f"tuntap add tap{n} mode tap",
                f"link set tap{n} master br0",
                f"link set tap{n} up",
            ]
        batch = self.inside("ip", "-batch", "-")
        subprocess.run(batch, input="\n".join(lines), text=True, check=True)

    def inside(self, *command: str) -> list[str]:
        """The command line that runs `command` in the namespace, as the same process."""
        return ["ip", "netns", "exec", self.name, *command]

    def call(self, function):
        """What `function()` returns when run in the namespace: sockets it makes stay there."""
        outcome = []

        def run():
            try:
                with open(f"/run/netns/{self.name}") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                outcome.append((function(), None))
            except Exception as error:  # handed to the caller below
                outcome.append((None, error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        value, error = outcome[0]
        if error:
            raise error
        return value

    def answers(self, port: int) -> bool:
        """Whether somebody accepts TCP connections on `port`."""

        def connect():
            with socket.socket() as probe:
                return probe.connect_ex((SERVER_IPV4, port)) == 0

        return self.call(connect)

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False)
