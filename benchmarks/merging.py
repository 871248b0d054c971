"""How long merging takes and how much memory: python -m benchmarks.merging [--files 5] [--rows 5000000] [--ids numbers|texts].

Makes prediction files in a temporary folder (the last one in another order of rows), merges them through the command in a
process of its own, and does for comparison: the same vote by DuckDB (where it is installed) and by a dictionary of counters in
plain Python, as many scripts do it, each from the files to a file; pandas reading the same files as text; and
`DataFrame.mode(axis=1)` on a few rows of the files in the same order, scaled to all. Every part runs in its own process, whose
wall time and peak memory count. The three votes are compared row by row, but for ties.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_CLASSES = 10

_MAKE = """
import sys
import numpy as np
folder, files, rows, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
truth = np.random.default_rng(0).integers(CLASSES, size=rows)
for number in range(files):
    random = np.random.default_rng(number + 1)
    labels = np.where(random.random(rows) < 0.7, truth, random.integers(CLASSES, size=rows)).tolist()
    order = random.permutation(rows) if number == files - 1 else np.arange(rows)
    with open(f"{folder}/member{number}.csv", "w") as file:
        file.write("id,label\\n")
        spelling = "%d,%d\\n" if kind == "numbers" else "img_%d.png,%d\\n"
        for start in range(0, rows, 100_000):
            file.writelines(spelling % (i, labels[i]) for i in order[start : start + 100_000].tolist())
""".replace("CLASSES", str(_CLASSES))

_READ_AS_TEXT = """
import sys
import pandas as pd
for path in sys.argv[1:]:
    pd.read_csv(path, dtype=str, keep_default_na=False)
"""

_DUCKDB = """
import sys
import duckdb
duckdb.read_csv(sys.argv[2:]).aggregate("id, mode(label) AS label", "id").write_csv(sys.argv[1])
"""

_PLAIN = """
import csv, sys
from collections import Counter, defaultdict
votes = defaultdict(Counter)
for path in sys.argv[2:]:
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            votes[row["id"]][row["label"]] += 1
with open(sys.argv[1], "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["id", "label"])
    writer.writerows((name, counts.most_common(1)[0][0]) for name, counts in votes.items())
"""

_COMPARE = """
import sys
import pandas as pd
ours, theirs, *members = [pd.read_csv(path, dtype=str).set_index("id").label for path in sys.argv[1:]]
rows = ours.index
casts = pd.concat([member.reindex(rows) for member in members], axis=1)
count = lambda label: casts.eq(label, axis=0).sum(axis=1)
worse = (count(ours) != count(theirs.reindex(rows))).sum()
print(worse)
"""

_MODE = """
import sys, time
import pandas as pd
frames = [pd.read_csv(path, nrows=int(sys.argv[1])) for path in sys.argv[2:]]
labels = pd.concat([frame.set_index("id").iloc[:, 0] for frame in frames], axis=1)
start = time.perf_counter()
labels.mode(axis=1)
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Measured:
    """What a process took."""

    seconds: float
    peak_gb: float
    output: str

    def __str__(self) -> str:
        return f"{self.seconds:8.1f} s {self.peak_gb:7.2f} GB"


def measure(command: list[str]) -> Measured:
    """Runs a command in a process of its own; wall time in seconds and peak resident memory in GB (1e9 bytes).

    Linux counts the memory of the process that starts another one as the other's until it runs its own program: so this one
    imports nothing large.
    """
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} ended with exit code {process.returncode}")
    return Measured(time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e9, output)


def _others() -> dict[str, str]:
    """The votes of others that can be run here: name -> program."""
    programs = {"DuckDB": _DUCKDB, "plain Python": _PLAIN}
    return {name: program for name, program in programs.items() if name != "DuckDB" or importlib.util.find_spec("duckdb")}


def main() -> None:
    """Makes the files, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5, help="prediction files (default: 5)")
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows of each (default: 5000000)")
    parser.add_argument("--ids", choices=("numbers", "texts"), default="numbers", help="ids such as 17 or img_17.png (default: numbers)")
    parser.add_argument("--mode_rows", type=int, default=20_000, help="rows that DataFrame.mode is tried on (default: 20000)")
    arguments = parser.parse_args()
    python = [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as folder:
        made = measure([*python, _MAKE, folder, str(arguments.files), str(arguments.rows), arguments.ids])
        members = [str(Path(folder) / f"member{number}.csv") for number in range(arguments.files)]
        size = sum(Path(member).stat().st_size for member in members)
        print(f"{arguments.files} files of {arguments.rows:,} rows, {size / 1e6:.0f} MB, made in {made.seconds:.0f} s")
        merged = measure([sys.executable, "-m", "scripts.merge_predicted", *members, "--workspace", folder])
        print(f"{'merge_predicted':<42}{merged}")
        votes = str(Path(folder) / "outputs" / "merged.csv")
        for name, program in _others().items():
            theirs = str(Path(folder) / "theirs.csv")
            other = measure([*python, program, theirs, *members])
            worse = measure([*python, _COMPARE, votes, theirs, *members]).output.strip()
            ratio = merged.seconds / other.seconds
            print(f"{name:<42}{other}   merging takes {ratio:.2f} times as long; rows with another number of votes: {worse}")
        text = measure([*python, _READ_AS_TEXT, *members])
        print(f"{'pandas reads the files as text':<42}{text}   merging takes {merged.seconds / text.seconds:.2f} times as long")
        mode_rows = min(arguments.mode_rows, arguments.rows)
        mode = measure([*python, _MODE, str(mode_rows), *members[:-1]])
        scaled = float(mode.output) / mode_rows * arguments.rows
        label = f"DataFrame.mode(axis=1), from {mode_rows:,} rows"
        print(f"{label:<42}{scaled:8.1f} s              {scaled / merged.seconds:.0f} times as long as merging")


if __name__ == "__main__":
    main()
