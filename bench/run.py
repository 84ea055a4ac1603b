#!/usr/bin/env python3
"""Runs the same workloads on Tacita, PyTorch in the clear, CrypTen and SPU, in turns, and prints ratios.

See README.md beside this file for how to install the others; a system that is not there is said to be so.
"""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

from plots import phases, times_by_size
from workloads import MODELS, OPERATIONS, names, operation

HERE = pathlib.Path(__file__).resolve().parent
SYSTEMS = ["tacita", "torch", "crypten", "spu"]
# What has to be importable.
MODULES = {"torch": "torch", "crypten": "crypten", "spu": "spu, jax"}


def main():
    options = arguments()
    commands = {"tacita": tacita(options)}
    for system, module in MODULES.items():
        python = getattr(options, system)
        found = python and answers([python, "-c", f"import {module}"])
        commands[system] = [python, str(HERE / f"on_{system}.py")] if found else None
    missing = [system for system, command in commands.items() if command is None]
    for system in missing:
        print(f"{system}: not installed", file=sys.stderr)
    if "tacita" in missing:
        sys.exit(f"no program {options.tacita}: cargo build --release -p tacita-cli")

    rows = {name: {system: {"seconds": []} for system in SYSTEMS} for name in options.workloads}
    for turn in range(options.turns):
        for name in options.workloads:
            for system in SYSTEMS:
                row = rows[name][system]
                if commands[system] is None:
                    row["missing"] = "not installed"
                if "missing" in row or options.skip_slow and max(row["seconds"], default=0) > 30:
                    continue
                print(f"turn {turn + 1}: {name}, {system}", file=sys.stderr, flush=True)
                measure(row, commands[system], system, name, options.timeout)
    for row in (row for systems in rows.values() for row in systems.values()):
        row["median"] = statistics.median(row["seconds"]) if row["seconds"] else None

    print(table(rows))
    options.out.mkdir(parents=True, exist_ok=True)
    about = {"machine": platform.processor() or platform.machine(), "turns": options.turns}
    results = {**about, "date": time.strftime("%Y-%m-%d"), "workloads": rows}
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    for op in OPERATIONS:
        (options.out / f"{op}.svg").write_text(times_by_size(op, rows))
    (options.out / "phases.svg").write_text(phases(rows))
    print(f"\n{options.out}: results.json and plots", file=sys.stderr)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(names())}")
    parser.add_argument("--tacita", default=HERE.parent / "target/release/tacita", type=pathlib.Path)
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="has torch")
    parser.add_argument("--crypten", metavar="PYTHON", help="has crypten")
    parser.add_argument("--spu", metavar="PYTHON", help="has spu and jax")
    parser.add_argument("--turns", type=int, default=3, help="medians are of so many [3]")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one run [600]")
    parser.add_argument("--skip-slow", action="store_true", help="what took over 30 s runs once")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench-results"))
    options = parser.parse_args()
    unknown = set(options.workloads) - set(names())
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: none of {', '.join(names())}")
    if options.turns < 1:
        parser.error("no turns measure nothing")
    options.workloads = options.workloads or names()
    return options


def tacita(options):
    return [str(options.tacita)] if answers([str(options.tacita), "--version"]) else None


def answers(command):
    """Whether a command can be run."""
    try:
        return subprocess.run(command, capture_output=True, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def measure(row, command, system, name, timeout):
    """Runs a workload once and adds what it says to its row."""
    if system == "tacita" and name in MODELS:
        command = [*command, "bench", "models", name, "--json"]
    elif system == "tacita":
        op, size = operation(name)
        command = [*command, "bench", "ops", op, "--size", str(size), "--json"]
    else:
        command = [*command, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        row["missing"] = f"over {timeout:.0f} s"
        return
    said = json_of(done.stdout)
    if done.returncode != 0 or said is None:
        row["missing"] = "cannot"
        row["error"] = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return
    if isinstance(said, list):
        said = said[0]
    seconds = said.pop("seconds")
    if isinstance(seconds, dict):  # by phase; setup happens once a session
        said["phases"] = seconds
        seconds = seconds["offline"] + seconds["online"]
    row["seconds"].append(seconds)
    said.pop("nodes", None)
    row["last"] = said


def json_of(text):
    """The JSON that a program printed: all of it, or one line among those of a log."""
    for part in (text, *text.splitlines()):
        try:
            value = json.loads(part)
        except ValueError:
            continue
        if isinstance(value, (dict, list)):
            return value
    return None


def table(rows):
    """Medians, and Tacita's over PyTorch's, the others' over Tacita's."""
    head = ["workload", *SYSTEMS, "tacita/torch", "crypten/tacita", "spu/tacita"]
    lines = [head]
    for name, systems in rows.items():
        median = {system: row["median"] for system, row in systems.items()}
        cells = [name]
        for system in SYSTEMS:
            row = systems[system]
            cells.append(row["missing"] if median[system] is None else f"{median[system]:.4g} s")
        for above, below in [("tacita", "torch"), ("crypten", "tacita"), ("spu", "tacita")]:
            both = median[above] is not None and median[below] is not None
            cells.append(f"{median[above] / median[below]:.3g}" if both else "")
        lines.append(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])

    def shown(line):
        first, *rest = (cell.ljust(w) if c == 0 else cell.rjust(w) for c, (cell, w) in enumerate(zip(line, widths)))
        return "  ".join([first, *rest]).rstrip()

    return "\n".join(map(shown, lines))


if __name__ == "__main__":
    main()
