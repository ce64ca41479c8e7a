"""What `cmake --install` installs: exactly these files, and each of them right."""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess

import elf
from place import ROOT, Place, Skipped

from bench import Failed, expect

EXPOSURE_MAX = 33  # tenths; the unit says why it is no less
EXAMPLES = ("compose.yaml", "exports", "kubernetes.yaml", "unprivileged.conf")
TEXTS = ("README.md", "BEHAVIOUR.md", "CHANGELOG.md", "SECURITY.md", "LICENSE")
SHARED = (
    "bin/berth", "lib/systemd/system/berth.service", "lib/sysusers.d/berth.conf", "lib/tmpfiles.d/berth.conf",
    "share/bash-completion/completions/berth", "share/fish/vendor_completions.d/berth.fish",
    "share/man/man5/berth-exports.5", "share/man/man5/berth.toml.5", "share/man/man5/berth-faults.5", "share/man/man8/berth.8",
    "share/zsh/site-functions/_berth",
)  # fmt: skip


def files_below(top: pathlib.Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


def expected_files(place: Place, prefix: str, config: str) -> set[str]:
    identity = elf.Elf(place.berth).build_id()
    shared = [*SHARED, f"lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug"]
    shared += [f"share/doc/berth/examples/{name}" for name in EXAMPLES]
    shared += [f"share/doc/berth/{name}" for name in TEXTS if (ROOT / name).exists()]
    return {f"{prefix.strip('/')}/{name}" for name in shared} | {config}


def expect_files(place: Place, prefix: str, config: str) -> pathlib.Path:
    top = place.install(prefix)
    found, expected = files_below(top), expected_files(place, prefix, config)
    expect(found == expected, f"missing: {sorted(expected - found)}; unexpected: {sorted(found - expected)}")
    return top


def has_exactly_its_files(place: Place) -> None:
    top = expect_files(place, "/usr", "etc/berth/berth.toml")
    modes = {name: (top / name).stat().st_mode & 0o7777 for name in files_below(top)}
    for name, mode in modes.items():
        expected = 0o755 if name == "usr/bin/berth" else 0o644
        expect(mode == expected, f"{name} has mode {mode:o}, expected {expected:o}")
    unit = (top / "usr/lib/systemd/system/berth.service").read_text()
    expect(unit == (ROOT / "packaging/berth.service").read_text(), "the unit of the prefix /usr is not the one in packaging/")


def has_its_place_in_the_unit(place: Place) -> None:
    top = expect_files(place, "/opt/berth", "opt/berth/etc/berth/berth.toml")
    unit = (top / "opt/berth/lib/systemd/system/berth.service").read_text()
    expect("\nExecStart=/opt/berth/bin/berth serve --config /opt/berth/etc/berth/berth.toml\n" in unit, unit)


def keeps_the_configuration(place: Place) -> None:
    """A second installation leaves the administrator's file alone."""
    config = place.install() / "etc/berth/berth.toml"
    config.write_text("log-level = 'debug'\n")
    place.install()
    expect(config.read_text() == "log-level = 'debug'\n", "berth.toml was overwritten")


def man_pages_are_clean(place: Place) -> None:
    top = place.install()
    for page in sorted((top / "usr/share/man").rglob("*.[58]")):
        said = place.run("mandoc", "-T", "lint", "-W", "warning", page)
        expect(not said, said)
        text = place.run("mandoc", "-T", "utf8", page)
        expect(page.stem.rpartition("/")[2].upper() in text, f"{page.name} does not name itself")


def have(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise Skipped(f"there is no {program}")


def bash_completes(place: Place) -> None:
    script = place.install() / "usr/share/bash-completion/completions/berth"
    place.run("bash", "-n", script)

    def completions(*words: str) -> set[str]:
        quoted = " ".join(f"'{word}'" for word in words)
        program = f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _berth; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return set(place.run("bash", "-uc", program).split())

    expect_words(completions)


def fish_completes(place: Place) -> None:
    have("fish")
    script = place.install() / "usr/share/fish/vendor_completions.d/berth.fish"
    place.run("fish", "--no-config", "--no-execute", script)

    def completions(*words: str) -> set[str]:
        said = place.run("fish", "--no-config", "-c", f"source {script}; complete -C '{' '.join(words)}'")
        return {line.split("\t")[0] for line in said.splitlines()}

    expect_words(completions)


def expect_words(completions) -> None:
    for words, expected in (
        (("berth", "s"), {"serve"}),
        (("berth", "exports", ""), {"check", "explain"}),
        (("berth", "serve", "--lis"), {"--listen"}),
        (("berth", "serve", "--squash", ""), {"none", "root", "all"}),
    ):
        found = completions(*words)
        expect(expected <= found, f"{words}: {sorted(found)}, expected {sorted(expected)}")


def zsh_completion_parses(place: Place) -> None:
    have("zsh")
    place.run("zsh", "-n", place.install() / "usr/share/zsh/site-functions/_berth")


def unit_is_sound(place: Place) -> None:
    have("systemd-analyze")
    top = place.install()
    unit = top / "usr/lib/systemd/system/berth.service"
    # Here, where the program is not where the unit says.
    here = place.directory / "berth.service"
    here.write_text(unit.read_text().replace("=/usr/bin/berth ", f"={top}/usr/bin/berth "))
    said = place.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", here)
    expect(not said, said)


def unit_says_what_it_leaves_open(place: Place) -> None:
    """Each protection that the unit does without is named in its comments, with the reason."""
    have("systemd-analyze")
    unit = ROOT / "packaging/berth.service"
    place.run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", unit)
    found = json.loads(place.run("systemd-analyze", "security", "--offline=yes", "--json=short", unit))
    comments = "\n".join(line for line in unit.read_text().splitlines() if line.startswith("#"))
    settings = "\n".join(line for line in unit.read_text().splitlines() if not line.startswith("#"))
    for check in found:
        if check["exposure"] in (None, "", "0.0"):
            continue
        setting = re.split(r"[=~/]", check["name"])[0]
        expect(f"{setting}=" in comments + "\n" + settings, f"nothing is said about {check['name']}: {check['description']}")


@contextlib.contextmanager
def on_empty_file_system(point: pathlib.Path):
    """For this program and those that it starts."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", point], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", point], check=True)


def examples_are_sound(place: Place) -> None:
    examples = place.install() / "usr/share/doc/berth/examples"
    exports = examples / "exports"
    with on_empty_file_system(pathlib.Path("/srv")):
        for path in re.findall(r'^"?(/srv/[a-z]+(?: [a-z]+)?)', exports.read_text(), re.MULTILINE):
            pathlib.Path(path).mkdir()
        said = place.run(place.berth, "exports", "check", exports)
    expect("/srv/our\\040pictures " in said, said)
    dropped_in = place.directory / "unprivileged.service"
    unit = (ROOT / "packaging/berth.service").read_text()
    conf = (examples / "unprivileged.conf").read_text()
    dropped_in.write_text(unit.replace("=/usr/bin/berth ", f"={place.berth} ") + "\n" + conf)
    have("systemd-analyze")
    said = place.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", dropped_in)
    expect(not said, said)


def containers_of_examples_serve(place: Place) -> None:
    """The options of the examples for containers are understood, and lead to a server."""
    examples = place.install() / "usr/share/doc/berth/examples"
    for name in ("compose.yaml", "kubernetes.yaml"):
        command = re.search(r"command: \[berth, serve, /srv/data, (.*)\]", (examples / name).read_text())[1]
        options = [word.strip(' "') for word in command.split(",")]
        place.serve_by(place.export, *options, "--listen", "127.0.0.1:0")
        place.stop_servers()


def keys_of(config: pathlib.Path) -> list[str]:
    return re.findall(r"^#([a-z-]+) = .*$", config.read_text(), re.MULTILINE)


def answer_to(place: Place, config: pathlib.Path, *arguments) -> str:
    """What berth says when it refuses to start with the file."""
    done = subprocess.run([place.berth, "serve", "--config", config, "--state", place.directory / "state", *arguments],
                          capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    expect(done.returncode == 2, f"exit status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stderr


def every_example_of_the_configuration_counts(place: Place) -> None:
    """Uncommented, each line is understood: only the directory, which is not there, is refused."""
    config = place.install() / "etc/berth/berth.toml"
    text, keys = config.read_text(), keys_of(config)
    expect({"directories", "listen", "squash", "log-level"} <= set(keys), f"only {keys}")
    one = place.directory / "one.toml"
    for key in keys:
        changed = re.sub(rf"^#({key} = )", r"\1", text, flags=re.MULTILINE)
        missing = place.directory / "missing"
        one.write_text(changed.replace('"/srv/data"', f'"{missing}"'))
        # A key of what an exports file says as well needs a directory beside it.
        said = answer_to(place, one, *(() if key == "directories" else (missing,)))
        if re.search(r"one\.toml:\d+: (?!/)", said) or str(missing) not in said:
            raise Failed(f"{key}: {said}")


def shipped_configuration_exports_nothing(place: Place) -> None:
    """Without exports files too, berth ends and says why."""
    config = place.install() / "etc/berth/berth.toml"
    lines = [line for line in config.read_text().splitlines() if line and not line.startswith("#")]
    expect(not lines, f"it says {lines}")
    if pathlib.Path("/etc/exports").exists() or pathlib.Path("/etc/exports.d").exists():
        raise Skipped("this machine has an exports file, which counts")
    said = answer_to(place, config)
    expect("nothing to export" in said, said)


CASES = {case.__name__: case for case in (
    has_exactly_its_files, has_its_place_in_the_unit, keeps_the_configuration, man_pages_are_clean, bash_completes,
    fish_completes, zsh_completion_parses, unit_is_sound, unit_says_what_it_leaves_open, examples_are_sound,
    containers_of_examples_serve, every_example_of_the_configuration_counts, shipped_configuration_exports_nothing)}  # fmt: skip
