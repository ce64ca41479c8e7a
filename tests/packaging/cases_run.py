"""scripts/run: a mistake is said before anything is built, the sample is served only where nothing else is exported, and no
test packages are needed."""

import subprocess

from place import ROOT, Place

from bench import expect

RUN = ROOT / "scripts/run"


def mistakes_come_before_the_build(place: Place) -> None:
    for arguments, expected in (
        (["--nonsense"], "no option '--nonsense'"),
        (["-x"], "no option '-x'"),
        (["--listen"], "--listen needs a value"),
        ([place.directory / "missing"], "is not a directory"),
        ([RUN], "is not a directory"),
        (["--exports", place.directory / "missing"], "no such file"),
        ([f"--config={place.directory}"], "no such file"),
    ):
        said = place.run(RUN, *arguments, status=2)
        expect(expected in said and said.count("\n") == 1, f"{arguments}: {said}")


def help_needs_no_build(place: Place) -> None:
    said = place.run(RUN, "--help")
    expect("scripts/run [DIR...]" in said and "building" not in said, said)


def serve(place: Place, *arguments, by: tuple = ()) -> str:
    """What scripts/run prints until it serves."""
    number = len(list(place.directory.glob("*.out")))
    place.serve_command(*by, RUN, *arguments, "--listen", "127.0.0.1:0", "--portmap", "off",
                       "--state", place.directory / "state")  # fmt: skip
    place.stop_servers()
    said = (place.directory / f"berth-{number}.log").read_text()
    expect("building berth in build/release" in said, f"it does not say what it does: {said}")
    return (place.directory / f"berth-{number}.out").read_text()


def sample_is_for_those_who_name_nothing(place: Place) -> None:
    exports = place.directory / "exports"
    exports.write_text(f"{place.export} 127.0.0.1(insecure)\n")
    config = place.directory / "berth.toml"
    config.write_text(f"directories = ['{place.export}']\n")
    sample = str(ROOT / "build/sample")
    expect(sample in serve(place), "no sample")
    expect(sample in serve(place, "--read-only", "--squash", "all"), "no sample, beside options that export nothing")
    for arguments in ([place.export], ["--memory", "scratch"], ["--exports", exports], [f"--exports={exports}"],
                      ["--config", config]):  # fmt: skip
        said = serve(place, *arguments)
        expect(sample not in said and ":/" in said, f"{arguments}: {said}")
    said = serve(place, by=("env", "BERTH_MEMORY=scratch"))
    expect(sample not in said and ":/scratch" in said, f"BERTH_MEMORY: {said}")


def is_built_without_test_packages(place: Place) -> None:
    build = place.directory / "build"
    place.run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-D", "CMAKE_BUILD_TYPE=Release",
              "-D", "CMAKE_DISABLE_FIND_PACKAGE_GTest=ON")  # fmt: skip
    targets = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], capture_output=True, text=True, check=True).stdout
    expect("\nberth: " in targets, "the program is not among the targets")
    tests = [line for line in targets.splitlines() if line.startswith(("test", "fuzz"))]
    expect(not tests, f"tests are among the targets: {tests[:5]}")


CASES = {case.__name__: case for case in (
    mistakes_come_before_the_build, help_needs_no_build, sample_is_for_those_who_name_nothing,
    is_built_without_test_packages)}  # fmt: skip
