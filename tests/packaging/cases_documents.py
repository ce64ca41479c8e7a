"""What the documents say: README.md has the table of options, and the commands of README.md and the man pages work."""

import pathlib
import re
import shlex
import subprocess

from place import ROOT, Place

from bench import expect

PAGES = ("berth.8", "berth-exports.5", "berth.toml.5", "berth-faults.5")
# What stands for something in a command.
MEANT = {"CLIENT": "192.0.2.7", "PATH": "/srv/data", "[FILE...]": "EXPORTS", "DIR": "/srv/data"}


def readme_has_the_options(place: Place) -> None:
    made = place.run(place.build / "packaging/berth-documents", "options")
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- options:[^\n]*\n(.*?)<!-- end of options -->", readme, re.DOTALL)
    expect(bool(block) and block[1] == made, f"scripts/documents has not run; the table would be\n{made}")


def readme_is_short(_: Place) -> None:
    readme = (ROOT / "README.md").read_text()
    expect(len(readme.splitlines()) < 400, f"{len(readme.splitlines())} lines")
    expect(len(readme.split()) < 4000, f"{len(readme.split())} words")


def links_lead_somewhere(_: Place) -> None:
    for document in sorted(ROOT.glob("*.md")):
        for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
            path, _, anchor = link.partition("#")
            if path.startswith("http"):
                continue
            target = ROOT / path if path else document
            expect(target.exists(), f"{document.name}: {link}")
            if anchor:
                headings = re.findall(r"^#+ (.*)", target.read_text(), re.MULTILINE)
                anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
                expect(anchor in anchors, f"{document.name}: {link}")


def commands_of(text: str) -> list[str]:
    return [line.partition("#")[0].strip() for line in text.splitlines() if line.startswith("berth ")]


def documented(place: Place) -> dict[str, str]:
    """Every command of berth in a block of README.md or of a man page, and where it stands."""
    found = {}
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        found.update(dict.fromkeys(commands_of(block), "README.md"))
    for page in PAGES:
        text = (place.build / "installed" / page).read_text().replace(r"\-", "-")
        for block in re.findall(r"^\.EX\n(.*?)^\.EE", text, re.DOTALL | re.MULTILINE):
            found.update(dict.fromkeys(commands_of(block), page))
    return found


def commands_work(place: Place) -> None:
    """`serve` serves; the others end as they should."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/srv"], check=True)
    pathlib.Path("/srv/data").mkdir()
    exports = place.directory / "exports"
    exports.write_text("/srv/data 192.0.2.0/24(rw)\n")
    commands = documented(place)
    expect(len(commands) >= 4, f"only {commands}")
    for command, where in commands.items():
        words = [MEANT.get(word, word) for word in shlex.split(command)]
        words = [str(exports) if word == "EXPORTS" else word for word in words]
        if words[1] == "serve":
            place.serve_command(place.berth, *words[1:], "--state", place.directory / "state")
            place.stop_servers()
            continue
        if words[1:3] == ["exports", "explain"]:
            words += ["--exports", str(exports)]
        done = subprocess.run([place.berth, *words[1:]], capture_output=True, text=True)
        expect(done.returncode == 0, f"{where}: {command}: {done.stdout}{done.stderr}")


def every_command_has_help(place: Place) -> None:
    page = (place.build / "installed/berth.8").read_text().replace(r"\-", "-")
    overview = place.run(place.berth, "help")
    for name in re.findall(r"^  (\w+(?: \w+)?)  ", overview, re.MULTILINE):
        said = place.run(place.berth, "help", *name.split())
        if name != "help":
            expect(said == place.run(place.berth, *name.split(), "--help"), f"two helps for {name}")
        expect(f".SS berth {name}" in page, f"{name} is not in berth(8)")
        for option in re.findall(r"^  (--[\w-]+)", said, re.MULTILINE):
            expect(option in page, f"{option} of {name} is not in berth(8)")


CASES = {
    "documents.readme_has_the_options": readme_has_the_options,
    "documents.readme_is_short": readme_is_short,
    "documents.links_lead_somewhere": links_lead_somewhere,
    "documents.commands_work": commands_work,
    "documents.every_command_has_help": every_command_has_help,
}
