"""The command line as people type it: what it says, and with which status it ends."""

import os
import subprocess

from bench import Bench, await_condition, expect


def ends(bench: Bench, *arguments, status: int, says: str, by: tuple[str, ...] = (), **options) -> str:
    """The program ends with this status, and says this in one line on standard error."""
    done = subprocess.run([*by, bench.berth, *arguments], capture_output=True, text=True, timeout=30, **options)
    lines = [line for line in done.stderr.splitlines() if line.startswith("berth: ")]
    expect(done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}")
    expect(len(lines) <= 1 and says in done.stderr + done.stdout, f"{arguments}:\n{done.stdout}{done.stderr}")
    expect(status != 2 or "\n\n" not in done.stderr, f"{arguments}: {done.stderr!r}")
    return done.stdout


def refusals(bench: Bench) -> None:
    """One clear line, and status 2."""
    file = bench.directory / "file"
    file.write_text("text")
    serve = ("serve", "--state", bench.directory / "state", "--listen", ":0")
    for arguments, says in (
        ((), "expected a command; 'berth help' lists them"),
        (("srve", "/"), "did you mean 'serve'?"),
        ((*serve, ""), "expected a directory"),
        ((*serve, "a\nb"), "a path with a line break can't be exported"),
        ((*serve, file), "ot a directory"),
        ((*serve, bench.directory / "none"), "No such file or directory"),
        ((*serve, "--memory", "--read-only"), "--memory needs NAME, and '--read-only' is an option"),
        ((*serve, bench.export, "--config", bench.export), "it is a directory; expected a file"),
        ((*serve, "--exports", bench.export), "it is a directory; expected a file"),
        ((*serve, bench.export, "--clients", "10.0.0.0/33"), "--clients 10.0.0.0/33: expected a length"),
        ((*serve, bench.export, "--listen", "192.0.2.77:0"), "this machine does not have that address"),
        (("exports", "check", bench.export), "it is a directory; expected a file"),
        (("locks", "release"), "CLIENT is missing"),
        ((*serve, bench.export, "--listen", "127.0.0.1:21999", "--listen", "127.0.0.1:21999"), "twice"),
    ):
        ends(bench, *arguments, status=2, says=says)


def outputs(bench: Bench) -> None:
    """Help and version, and an error where they can't be written."""
    for arguments, says in (
        (("help",), "Usage: berth COMMAND"),
        (("--help",), "Usage: berth COMMAND"),
        (("help", "serve"), "--clients CLIENT"),
        (("serve", "--help"), "--clients CLIENT"),
        (("exports", "check", "--help"), "berth exports check [FILE...]"),
        (("--version",), "berth 0."),
        (("-V",), "berth 0."),
    ):
        ends(bench, *arguments, status=0, says=says)
        with open("/dev/full", "w") as full:
            done = subprocess.run([bench.berth, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
        expect(done.returncode == 1 and "No space left on device" in done.stderr, f"{arguments}: {done}")
        closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", bench.berth, *arguments], capture_output=True, text=True)
        expect(closed.returncode == 1 and "standard output is closed" in closed.stderr, f"{arguments}: {closed}")
    ends(bench, "help", "srve", status=2, says="did you mean 'serve'?")


def exports_from_standard_input(bench: Bench) -> None:
    text = ends(bench, "exports", "check", "-", status=0, says="", input=f"\ufeff{bench.export} 10.0.0.0/8(rw)\n")
    expect(text.startswith(f"{bench.export} 10.0.0.0/8(rw"), text)
    ends(bench, "exports", "check", "-", status=2, says=":1:", input="nonsense\n")


def port_of_another(bench: Bench) -> None:
    """A port that is taken is said, and by whom."""
    port = bench.serve()
    say = f"by berth (pid {bench.last_pid()})"
    ends(bench, "serve", bench.export, "--state", bench.directory / "other", "--listen", f":{port}", status=2, says=say)


def several_places(bench: Bench) -> None:
    """It answers at every --listen, and localhost means IPv4 alone where there is no IPv6."""
    first = bench.serve("--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--portmap", "off")
    out = (bench.directory / "berth-0.out").read_text()
    expect(f"127.0.0.1:{first} and [::1]:" in out, out)
    second = int(out.split("[::1]:")[1].split(",")[0])
    bench.run("rpcinfo", "-a", f"127.0.0.1.{first >> 8}.{first & 255}", "-T", "tcp", "100003", "3")
    bench.run("rpcinfo", "-a", f"::1.{second >> 8}.{second & 255}", "-T", "tcp6", "100003", "3")
    bench.stop_servers()
    # A network without IPv6, of the server's own.
    without = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; exec \"$@\""
    alone = ("unshare", "--net", "sh", "-c", without, "sh")
    port = bench.serve_by(bench.export, "--listen", "localhost:0", "--portmap", "off", by=alone)
    inside = ("nsenter", f"--net=/proc/{bench.last_pid()}/ns/net")
    bench.run(*inside, "rpcinfo", "-a", f"127.0.0.1.{port >> 8}.{port & 255}", "-T", "tcp", "100003", "3")


def locks_of_nobody(bench: Bench) -> None:
    """Also where the state directory's path is longer than a socket's address."""
    state = bench.directory / ("s" * 120) / "state"
    state.parent.mkdir()
    bench.serve("--state", str(state))
    ends(bench, "locks", "--state", state, status=0, says="no locks")
    ends(bench, "locks", "release", "nobody", "--state", state, status=1, says="no locks of nobody")
    ends(bench, "locks", "--state", state, "release", "nobody", status=1, says="no locks of nobody")


def options_in_vain(bench: Bench) -> None:
    """What can't work without privileges is said at the start."""
    state = bench.directory / "user"
    state.mkdir()
    os.chown(state, 1000, 1000)
    as_user = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--")
    vain = ("--squash", "none", "--map-uid", "0-9:1000", "--map-gid", "0-9:1000", "--manage-gids")
    bench.serve_by(bench.export, "--listen", ":0", "--portmap", "off", "--state", state, *vain, by=as_user)
    for option in ("--squash none", "--map-uid", "--map-gid", "--manage-gids"):
        await_condition(lambda: f"{option} can't work: all callers act as uid 1000" in bench.logs(), bench.logs())
    bench.stop_servers()
    without = ("setpriv", "--bounding-set=-setuid,-mknod", "--inh-caps=-setuid,-mknod", "--")
    bench.serve_by(bench.export, "--listen", ":0", "--portmap", "off", by=without)
    for line in ("without CAP_SETUID: every caller acts as root", "without CAP_MKNOD: clients' root can't make device"):
        await_condition(lambda: line in bench.logs(), bench.logs())


for _quiet in (refusals, outputs, exports_from_standard_input, port_of_another, locks_of_nobody, options_in_vain):
    _quiet.calls_nobody = True

CASES = {
    "command_line.refusals": refusals,
    "command_line.outputs": outputs,
    "command_line.exports_from_standard_input": exports_from_standard_input,
    "command_line.port_of_another": port_of_another,
    "command_line.several_places": several_places,
    "command_line.locks_of_nobody": locks_of_nobody,
    "command_line.options_in_vain": options_in_vain,
}
