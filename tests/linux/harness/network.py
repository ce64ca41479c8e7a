"""A network of our own: a namespace with a bridge (10.9.0.1, fd00:9::1) and a tap per guest, and
namespaces beside it for servers that want an address, and its port 111, to themselves."""

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
        self._homes: dict[str, str] = {}  # by address
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

    def inside(self, *command: str, address: str = SERVER_IPV4) -> list[str]:
        """The command line that runs `command` where the address is, as the same process."""
        return ["ip", "netns", "exec", self._home(address), *command]

    def _home(self, address: str) -> str:
        """The namespace that has this address, made on first use. Anybody may use any port there."""
        if address == SERVER_IPV4:
            return self.name
        if address in self._homes:
            return self._homes[address]
        number = address.rpartition(".")[2]
        home = f"{self.name}-{number}"
        subprocess.run(["ip", "netns", "add", home], check=True)
        self._homes[address] = home
        outside = [
            f"link add veth{number} type veth peer name eth0 netns {home}",
            f"link set veth{number} master br0",
            f"link set veth{number} up",
        ]
        within = ["link set lo up", f"addr add {address}/24 dev eth0", "link set eth0 up"]
        for namespace, lines in ((self.name, outside), (home, within)):
            batch = ["ip", "netns", "exec", namespace, "ip", "-batch", "-"]
            subprocess.run(batch, input="\n".join(lines), text=True, check=True)
        low = ["sysctl", "-q", "net.ipv4.ip_unprivileged_port_start=0"]
        subprocess.run(["ip", "netns", "exec", home, *low], check=True)
        return home

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

    def answers(self, port: int, address: str = SERVER_IPV4) -> bool:
        """Whether somebody accepts TCP connections on `port` of the address."""

        def connect():
            with socket.socket() as probe:
                return probe.connect_ex((address, port)) == 0

        return self.call(connect)

    def remove(self) -> None:
        for name in (*self._homes.values(), self.name):
            subprocess.run(["ip", "netns", "del", name], check=False)
