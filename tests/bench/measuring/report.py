"""The table for the terminal and for RESULTS.md, and the chart."""

import os
import pathlib
import platform
import re
import subprocess
import time

from measuring.lab import Row

BEGIN, END = "<!-- scripts/bench -->", "<!-- end of scripts/bench -->"


def number(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _cells(row: Row, previous: Row | None) -> list[str]:
    is_new = previous is None or previous.work != row.work
    if row.is_ratio:
        share, limit = f"{number(row.value)} x {row.against}", f"{row.limit:g} x"
    else:
        share, limit = f"{number(row.value)} {row.against}", f"{row.limit:g} {row.against}"
    bound = "at least" if row.at_least else "at most"
    verdict = "met" if row.met else "not met"
    return [row.work if is_new else "", row.metric, number(row.berth), number(row.ganesha), number(row.floor),
            share, f"{bound} {limit}", verdict]  # fmt: skip


HEAD = ["work", "", "berth", "Ganesha", "floor or other", "berth is", "target", ""]


def _table(rows: list[Row]) -> list[list[str]]:
    return [HEAD] + [_cells(row, before) for row, before in zip(rows, [None, *rows])]


def terminal(rows: list[Row]) -> str:
    table = _table(rows)
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table)


def markdown(rows: list[Row]) -> str:
    head, *lines = _table(rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def in_the_way(rows: list[Row]) -> list[str]:
    """A sentence for each target that is not met."""
    return [f"{row.work}, {row.metric}: {row.in_the_way or 'not known'}." for row in rows if not row.met]


def machine() -> str:
    """What the numbers were measured on, in one line."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    release = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    gib = round(int(memory[1]) / 2**20)
    kernel = platform.release().split("-")[0]
    cpu = model[1] if model else platform.machine()
    return f"{os.cpu_count()} CPUs ({cpu}), {gib} GiB, {release[1]}, Linux {kernel}, loopback"


def measured_on(rows: list[Row], ganesha: str, apart: bool) -> str:
    """When, against what, where and how: what a reader has to know."""
    rounds = " or ".join(str(count) for count in sorted({row.rounds for row in rows}))
    loads = [row.load for row in rows]
    urgent = {row.urgent for row in rows}
    how = ", each call sent by itself" if apart else ""
    if True in urgent:
        how += f", {'some of them ' if False in urgent else ''}before all other work (nice -20)"
    return (
        f"{time.strftime('%Y-%m-%d')}, NFS-Ganesha {ganesha} (VFS), {machine()}; medians of {rounds} interleaved "
        f"rounds{how}; load average {min(loads):.1f} to {max(loads):.1f}, of which the measuring itself makes about 2."
    )


NOT_MET = "What stands in the way of those that are not met, measured in the same run:"
TITLE = "Speed as multiples of NFS-Ganesha's"
CHART = """
set terminal svg size 900,{height} font "sans,12" background "white"
set output "{output}"
set title "{TITLE}"
set logscale x 2
set xrange [0.5:*]
set yrange [{low}:0.5]
set grid xtics
set format x "%g x"
set key below
set style fill solid
set boxwidth 0.35
set arrow from 1,graph 0 to 1,graph 1 nohead dashtype 2
set lmargin 28
set ytics ({tics})
plot $data using (0.5):($0*-1+0.18):(0.5):2:($0*-1+0.02):($0*-1+0.34) with boxxyerror lc rgb "#2a6f97" title "berth", \\
     $data using (0.5):($0*-1-0.18):(0.5):3:($0*-1-0.34):($0*-1-0.02) with boxxyerror lc rgb "#c9c9c9" title "floor"
"""


def chart(rates: dict[str, dict[str, float]], output: pathlib.Path) -> bool:
    """Draws what is known of berth, Ganesha and the floor; nothing to draw without the first two."""
    lines, tics = [], []
    for label, by_server in rates.items():
        base = by_server.get("ganesha")
        if not base or "berth" not in by_server:
            continue
        tics.append(f'"{label}" {-len(tics)}')
        floor = by_server["floor"] / base if "floor" in by_server else 0.5
        lines.append(f'"{label}" {by_server["berth"] / base:.3f} {floor:.3f}')
    if not lines:
        return False
    data = "$data << EOD\n" + "\n".join(lines) + "\nEOD\n"
    text = CHART.format(
        TITLE=TITLE, height=120 + 34 * len(lines), output=output, tics=", ".join(tics), low=0.5 - len(lines)
    )
    subprocess.run(["gnuplot"], input=data + text, text=True, check=True)
    return True


def record(document: pathlib.Path, rows: list[Row], measured_on: str, picture: str) -> None:
    """Replaces what stands between the marks. `picture`: the chart, as seen from the document."""
    text = document.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{document} has no place for the table: a line {BEGIN}, and one {END}")
    section = f"{BEGIN}\n{measured_on}\n\n![{TITLE}]({picture})\n\n{markdown(rows)}\n"
    if sentences := in_the_way(rows):
        section += f"\n{NOT_MET}\n\n" + "\n".join(f"- {sentence}" for sentence in sentences) + "\n"
    section += END
    before, rest = text.split(BEGIN, 1)
    document.write_text(before + section + rest.split(END, 1)[1])
