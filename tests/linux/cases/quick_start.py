"""README's quick start, as typed. Only what installs and compiles has been done before."""

import os
import pathlib
import re
import subprocess

from guest import check
from guest.lab import Lab
from suite import case

CHECKOUT = pathlib.Path("/run/checkout")
SECONDS = 200
# What a block writes to is the guest's own; it ends with its shell.
AROUND = """
set -e
for place in /srv /media /usr/local/bin /var/lib; do mount -t tmpfs none $place; done
trap 'umount --lazy --all --types nfs || true; kill $(jobs -p) 2>/dev/null || true; wait' EXIT
PATH={doubles}:$PATH
cd {tree}
{block}
"""


def _double(path: pathlib.Path) -> None:
    """A command that has nothing left to do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def _as_typed(name: str) -> str:
    readme = (CHECKOUT / "README.md").read_text()
    block = re.search(rf"<!-- quick start: {name} -->\n```sh\n(.*?)```", readme, re.DOTALL)
    check.true(bool(block), f"no block {name} in README.md")
    place = pathlib.Path("/tmp") / f"quick-start-{name}"
    tree, doubles = place / "berth", place / "doubles"
    _double(tree / "scripts/build")
    _double(doubles / "apt-get")
    for part in ("build", "server", "README.md", *(f"scripts/{path.name}" for path in (CHECKOUT / "scripts").iterdir())):
        if not (tree / part).exists():
            os.symlink(CHECKOUT / part, tree / part)
    script = AROUND.format(tree=tree, doubles=doubles, block=block[1])
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script], capture_output=True, text=True, timeout=SECONDS
    )
    said = f"{done.stdout}{done.stderr}"
    check.equal(done.returncode, 0, f"the exit status of\n{block[1]}\n{said}")
    return said


@case(seconds=240)
def linux(lab: Lab):
    """A directory is exported, mounted, and written to."""
    said = _as_typed("linux")
    check.true("\nhello\n" in said, said)


@case(seconds=240)
def container(lab: Lab):
    """On one port, by a user without rights."""
    said = _as_typed("container")
    check.true("\nhello\n" in said, said)


@case(seconds=240)
def faults(lab: Lab):
    """A reply is lost on order, and the client sends its call again."""
    said = _as_typed("faults")
    check.true("\nafter\n" in said, said)
    check.true(said.count(" NFS v3 RENAME ") == 2 and "repeated, " in said, said)
    check.true("rule-2: 0 hits: READ path=*.db every=10 delay=200ms" in said, said)


@case(seconds=240)
def testing(lab: Lab):
    """A tree in RAM, libnfs, and a log of every call."""
    check.true("WRITE" in _as_typed("testing"), "the log of a WRITE")
