"""The command line as people type it: what it says, and with which status it ends."""

import os
import subprocess

from bench import Bench, await_condition, expect
from cases_surroundings import GRANTED, file_of, locked


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
        ((*serve, bench.export, "--listen", "2001:db8::77:2049"), "needs brackets, as [::1]:2049"),
        (("exports", "check", bench.export), "it is a directory; expected a file"),
        (("locks", "release"), "CLIENT is missing"),
        ((*serve, bench.export, "--listen", "127.0.0.1:21999", "--listen", "127.0.0.1:21999"), "twice"),
    ):
        ends(bench, *arguments, status=2, says=says)


def places(bench: Bench) -> None:
    """A path that can't be served is told with the line, or the variable, that names it."""
    config = bench.directory / "berth.toml"
    for text, says in (
        ('\ndirectories = ["/none"]', f"{config}:2: /none: "),
        ('grace = 0\ndirectories = [\n "/tmp",\n "/none"]', f"{config}:4: /none: "),
        ('exports = "/none"', f"{config}:1: /none: No such file"),
        ('memory = "m"\nfaults = ["/none"]', f"{config}:2: /none: No such file"),
    ):
        config.write_text(text)
        serve = ("serve", "--state", bench.directory / "state", "--listen", "127.0.0.1:0", "--config", config)
        ends(bench, *serve, status=2, says=says)
    serve = ("serve", "--state", bench.directory / "state", "--listen", "127.0.0.1:0")
    environment = os.environ | {"BERTH_EXPORTS": "/none"}
    ends(bench, *serve, status=2, says="BERTH_EXPORTS: /none: No such file", env=environment)
    ends(bench, *serve, bench.export, "--faults", "/none", status=2, says="berth: /none: No such file")
    ends(bench, *serve, bench.export, "--faults", "-", status=2, says="standard input:2: ", input="[[fault]]\nx = 1\n")


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


def names_of_lockers(bench: Bench) -> None:
    """Whatever a client calls itself: its line in `berth locks` is one line, whole, and what it shows can be typed."""
    port = bench.serve()
    file = file_of(bench, port)
    long = "long" * 200
    names = ["plain.example", "-h", "--state", "it's", "a b svid 1: holds exclusive 0-end of /etc/passwd", "\x1b[2J\n10.0.0.1 x", long]
    for at, name in enumerate(names):
        expect(locked(port, file, name.encode(), at=at, length=1) == GRANTED, f"no lock for {name!r}")
    state = ("--state", bench.directory / "state")
    shown = ["plain.example", "'-h'", "'--state'", "'it\\x27s'", f"'{names[4]}'", "'\\x1b[2J\\x0a10.0.0.1 x'", long]
    told = ends(bench, "locks", *state, status=0, says="").splitlines()
    for name in shown:
        expect(len([line for line in told if line.startswith(f"127.0.0.1 {name} svid ")]) == 1, f"{name}: {told}")
    expect(len(told) == len(names), f"{told}")
    for name in shown:
        said = ends(bench, "locks", "release", *state, "--", name.strip("'"), status=0, says="")
        expect(said == f"1 lock(s) of {name} released\n", said)
    ends(bench, "locks", *state, status=0, says="no locks")


def unknown_names(bench: Bench) -> None:
    """Hosts and netgroups that nobody knows are told of when they are checked and when they come into force."""
    etc = bench.directory / "etc"
    bench.run("cp", "-a", "/etc", etc)
    (etc / "resolv.conf").unlink(missing_ok=True)
    (etc / "hosts").write_text("127.0.0.1 localhost known.example\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\nnetgroup: files\n")
    (etc / "netgroup").write_text("there (known.example,,)\n")
    by = ("unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc; shift; exec "$@"', "sh", str(etc))
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} known.example(rw) mistyped.example(rw) @there(rw) @nowhere(rw) *.lab.example(ro) *(ro)\n")
    column = table.read_text().index("mistyped") + 1
    host = f"{table}:1:{column}: the host mistyped.example has no address now, so this entry is for no client"
    done = subprocess.run([*by, bench.berth, "exports", "check", table], capture_output=True, text=True)
    expect(done.returncode == 0 and host in done.stderr and "netgroup 'nowhere' is unknown" in done.stderr, f"{done}")
    expect("known.example has" not in done.stderr and "'there'" not in done.stderr, f"{done}")
    bench.serve_by("--exports", table, "--portmap", "off", "--listen", ":0", by=by)
    await_condition(lambda: host in bench.logs() and "netgroup 'nowhere' is unknown" in bench.logs(), bench.logs())
    table.write_text(f"{bench.export} another.example(rw)\n")
    bench.reload("the host another.example has no address now")


def nothing_to_check(bench: Bench) -> None:
    """Nothing is no success, whatever it comes from."""
    empty = bench.directory / "empty"
    empty.write_text("# only a comment\n")
    none = "no entries; nothing would be exported"
    ends(bench, "exports", "check", empty, status=1, says=f"berth: {empty}: {none}")
    ends(bench, "exports", "check", "-", status=1, says=f"berth: standard input: {none}", input="")
    ends(bench, "exports", "check", "-", status=1, says=none, by=("sh", "-c", '"$@" <&-', "sh"))
    told = ends(bench, "exports", "check", "-", status=0, says="# standard input:1:", input=f"{bench.export} 127.0.0.1\n")
    expect("/dev/stdin" not in told, told)


def environment(bench: Bench) -> None:
    """Variables count for all commands that ask one server, and a mistyped one is told of."""
    state = bench.directory / "other-state"
    given = {**os.environ, "BERTH_STATE": str(state), "BERTH_CLIENT": "127.0.0.1"}
    command = ("env", f"BERTH_STATE={state}", "BERTH_CLIENT=127.0.0.1", bench.berth, "serve", bench.export, "--listen", ":0")
    bench.serve_command(*command, "--portmap", "off")
    expect("BERTH_CLIENT is no option of berth, and changes nothing; did you mean BERTH_CLIENTS?" in bench.logs(), bench.logs())
    ends(bench, "locks", status=0, says="no locks", env=given)
    ends(bench, "locks", "release", "nobody", status=1, says="no locks of nobody", env=given)
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} 127.0.0.1\n")
    given["BERTH_EXPORTS"] = str(table)
    ends(bench, "exports", "check", status=0, says=f"# {table}:1:", env=given)
    ends(bench, "exports", "explain", "127.0.0.1", bench.export, status=0, says=f"{table}:1:", env=given)
    ends(bench, "serve", bench.export, status=2, says="BERTH_CLIENTS is empty", env={**given, "BERTH_CLIENTS": ""})


def explained_paths(bench: Bench) -> None:
    """What is no path is refused in the words of the log."""
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} *\n")
    for path in (f"{bench.export}/..", "relative", "/../etc"):
        says = "a mount fails: expected an absolute path without '..'"
        ends(bench, "exports", "explain", "127.0.0.1", path, "--exports", table, status=1, says=says)


def operands_behind_dashes(bench: Bench) -> None:
    """Behind -- stand operands, whatever they look like."""
    for name in ("-d", "--second"):
        (bench.directory / name).mkdir()
    bench.serve_command("sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", bench.directory, bench.berth, "serve", bench.export,
                        "--portmap", "off", "--listen", ":0", "--state", "state", "--", "-d", "--second")  # fmt: skip
    said = (bench.directory / "berth-0.out").read_text()
    for path in (bench.export, bench.directory / "-d", bench.directory / "--second"):
        expect(f"{path}" in said, said)


def registering_with_itself(bench: Bench) -> None:
    alone = ("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")
    serve = ("serve", bench.export, "--state", bench.directory / "state", "--portmap", "register")
    for where in (":111", "127.0.0.1:111"):
        says = "--portmap register: berth listens on port 111 itself"
        ends(bench, *serve, "--listen", where, status=2, says=says, by=alone)


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
    without = ("setpriv", "--bounding-set=-mknod", "--inh-caps=-mknod", "--")
    bench.serve_by(bench.export, "--listen", ":0", "--portmap", "off", by=without)
    await_condition(lambda: "without CAP_MKNOD: clients' root can't make device" in bench.logs(), bench.logs())


def root_for_everybody(bench: Bench) -> None:
    """As root without the power to act as others, squashing can't work: then nothing is served, unless that is what is meant."""
    table = bench.directory / "exports"
    says = "berth runs as root and may not act as others, so every client would act as root"
    serve = ("serve", "--state", bench.directory / "state", "--portmap", "off", "--listen", ":0")
    for lacks in ("setuid", "setgid", "setuid,-setgid"):
        without = ("setpriv", f"--bounding-set=-{lacks}", f"--inh-caps=-{lacks}", "--")
        for squash in ((), ("--squash", "none"), ("--squash", "all"), ("--squash", "all", "--anon", "1000:1000")):
            ends(bench, *serve, bench.export, *squash, status=2, says=says, by=without)
        for options in ("rw", "rw,no_root_squash", "rw,all_squash,anonuid=1000"):
            table.write_text(f"{bench.export} *({options})\n")
            ends(bench, *serve, "--exports", table, status=2, says=says, by=without)
        bench.serve_by(bench.export, "--squash", "all", "--anon", "0:0", "--listen", ":0", "--portmap", "off", by=without)
        bench.stop_servers()
        table.write_text(f"{bench.export} *(rw,all_squash,anonuid=0,anongid=0)\n")
        bench.serve_by("--exports", table, "--listen", ":0", "--portmap", "off", by=without)
        table.write_text(f"{bench.export} *(rw)\n")
        bench.reload("reload refused, nothing has changed: .*may not act as others")
        bench.stop_servers()


def explained_links(bench: Bench) -> None:
    """Where a link leads out of what the client may mount, a mount fails, and so it is explained."""
    other = bench.directory / "other"
    (other / "deep").mkdir(parents=True)
    (bench.export / "out").symlink_to("/etc")
    (bench.export / "away").symlink_to(other / "deep")
    (bench.export / "round").symlink_to(bench.export / "round")
    (bench.export / "in").symlink_to(".")
    table = bench.directory / "exports"
    table.write_text(f"{bench.export} 127.0.0.1(rw,insecure) 10.0.0.1\n{other} 10.0.0.1\n")
    for client, name, status, says in (
        ("127.0.0.1", "away", 1, f"it leads to {other}/deep"), ("127.0.0.1", "out", 1, "not below any export"),
        ("127.0.0.1", "in", 0, "decides"), ("10.0.0.1", "away", 0, f"{other} 10.0.0.1 decides"),
        ("127.0.0.1", "round", 1, "Too many levels of symbolic links"),
    ):  # fmt: skip
        ends(bench, "exports", "explain", client, bench.export / name, "--exports", table, status=status, says=says)


def empty_values(bench: Bench) -> None:
    """What `--option=$UNSET` gives is refused, and does not take the next word."""
    victim = bench.directory / "victim"
    victim.mkdir()
    for option in ("--state=", "--squash=", "--listen=", "--memory=", "--clients=", "--read-only=", "--fault=", "--config="):
        says = f"{option} is empty: leave it out for the default, or give it a value"
        ends(bench, "serve", option, victim, "--listen", ":0", "--portmap", "off", status=2, says=says)
    ends(bench, "locks", "--state=", victim, status=2, says="--state= is empty")
    ends(bench, "serve", bench.export, "--config", "", status=2, says="--config '': expected a file")
    expect(not list(victim.iterdir()), "something was put there")
    file = bench.directory / "file"
    file.write_text("text")
    ends(bench, "serve", bench.export, "--state", file, "--listen", ":0", "--portmap", "off", status=2, says="it is a file; expected a directory")
    ends(bench, "locks", "release", "x" * 10_000, "--state", bench.directory / "state", status=1, says="that is too long")


for _quiet in (
    refusals, places, outputs, exports_from_standard_input, port_of_another, locks_of_nobody, options_in_vain, unknown_names,
    nothing_to_check, environment, root_for_everybody, explained_links, empty_values, explained_paths, operands_behind_dashes, registering_with_itself,
):  # fmt: skip
    _quiet.calls_nobody = True

CASES = {
    "command_line.refusals": refusals,
    "command_line.places": places,
    "command_line.outputs": outputs,
    "command_line.exports_from_standard_input": exports_from_standard_input,
    "command_line.port_of_another": port_of_another,
    "command_line.several_places": several_places,
    "command_line.locks_of_nobody": locks_of_nobody,
    "command_line.names_of_lockers": names_of_lockers,
    "command_line.unknown_names": unknown_names,
    "command_line.nothing_to_check": nothing_to_check,
    "command_line.environment": environment,
    "command_line.explained_paths": explained_paths,
    "command_line.operands_behind_dashes": operands_behind_dashes,
    "command_line.registering_with_itself": registering_with_itself,
    "command_line.options_in_vain": options_in_vain,
    "command_line.root_for_everybody": root_for_everybody,
    "command_line.explained_links": explained_links,
    "command_line.empty_values": empty_values,
}
