"""Runs in the guest: mounts servers and does works on them as told, until the connection ends."""

import multiprocessing.connection
import os
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import works  # noqa: E402


def mount(name: str, host: str, port: int, mount_port: int, export: str) -> None:
    point = f"/mnt/{name}"
    os.mkdir(point)
    options = f"vers=3,proto=tcp,port={port},mountproto=tcp,mountport={mount_port},nolock"
    works.run("mount", "-t", "nfs", "-o", options, f"{host}:{export}", point)


class Orders:
    """One method per order; what it returns is the answer."""

    def __init__(self):
        self._material: works.Material | None = None

    def prepare(self, sizes: dict) -> None:
        directory = pathlib.Path("/run/material")
        directory.mkdir()
        self._material = works.Material(works.Sizes(**sizes), directory)

    def mount(self, *where) -> None:
        mount(*where)

    def work(self, work: str, server: str, directory: str) -> float:
        path = f"/mnt/{server}/{directory}"
        os.makedirs(path, exist_ok=True)
        return works.WORKS[work](self._material, path)


def main() -> None:
    host, _, port = os.environ["CONTROL"].rpartition(":")
    connection = multiprocessing.connection.Client((host, int(port)))
    orders = Orders()
    while True:
        order, *arguments = connection.recv()
        if order == "power off":
            break
        try:
            connection.send((getattr(orders, order)(*arguments), None))
        except Exception as error:
            traceback.print_exc()
            connection.send((None, f"{type(error).__name__}: {error}"))


main()
