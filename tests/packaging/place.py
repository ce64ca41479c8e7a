"""Where a case works: a directory, and what `cmake --install` puts there."""

import os
import pathlib
import subprocess

from bench import Bench

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Skipped(Exception):
    """This machine can't do what the case needs; the text says what that is."""


class Place(Bench):
    def __init__(self, build: pathlib.Path, directory: pathlib.Path):
        super().__init__(build / "installed/berth", directory)
        self.build = build

    def install(self, prefix: str = "/usr") -> pathlib.Path:
        """Installs for the prefix, below a directory that stands for /."""
        top = self.directory / "installed"
        environment = {**os.environ, "DESTDIR": str(top)}
        command = ["cmake", "--install", self.build, "--prefix", prefix]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return top
