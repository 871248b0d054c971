"""How long an ensemble of many members takes and how much memory: python -m benchmarks.ensembling [--members 20] [--rows 200000] ...

Makes prediction files with a column of probabilities for each class, and out-of-fold rows beside them, in a temporary folder; merges
the files through the command by every method asked for, those that are fitted with `--oof`, each in a process of its own whose
wall time and peak memory count; and does for comparison the mean of the same files by pandas and numpy, which read and write as many
scripts do. The labels of the two means are compared row by row.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.merging import measure

_MEAN = "mean"

_MAKE = """
import sys
import numpy as np
folder, members, rows, test_rows, classes = sys.argv[1], *map(int, sys.argv[2:])
SPELLINGS = 20  # rows of so many different spellings a class and member: random numbers would take longer to write than all the rest
columns = "".join(f",p:{c}" for c in range(classes)) + "\\n"
truth = np.random.default_rng(0).integers(classes, size=rows + test_rows)
for member in range(members):
    random = np.random.default_rng(member + 1)
    values = random.gamma(0.3, size=(classes, SPELLINGS, classes)) + 1e-6
    values[np.arange(classes), :, np.arange(classes)] += 1.5 * random.random((classes, SPELLINGS))
    values /= values.sum(axis=2, keepdims=True)
    cells = [["".join(",%.9g" % value for value in row) + "\\n" for row in own] for own in values.tolist()]
    chosen = random.integers(SPELLINGS, size=rows + test_rows).tolist()
    spelled = [cells[label][place] for label, place in zip(truth.tolist(), chosen)]
    with open(f"{folder}/m{member:02d}.csv", "w") as file:
        file.write("id" + columns)
        file.writelines("test_%d%s" % row for row in enumerate(spelled[rows:]))
    with open(f"{folder}/m{member:02d}.oof.csv", "w") as file:
        file.write("id,fold,target" + columns)
        labels = truth.tolist()
        file.writelines("%d,%d,%d%s" % (row, row % 5, labels[row], text) for row, text in enumerate(spelled[:rows]))
"""

_PLAIN = """
import sys
import numpy as np
import pandas as pd
total, *others = sys.argv[2:]
total = pd.read_csv(total, index_col=0)
for path in others:
    total += pd.read_csv(path, index_col=0)
(total / len(sys.argv[2:])).to_csv(sys.argv[1], float_format="%.9g")
"""

_COMPARE = """
import sys
import numpy as np
import pandas as pd
ours, theirs = (pd.read_csv(path, index_col=0) for path in sys.argv[1:])
print(int((ours.index != theirs.index).sum() + (ours.to_numpy().argmax(axis=1) != theirs.to_numpy().argmax(axis=1)).sum()))
"""


def main() -> None:
    """Makes the files, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=20, help="prediction files (default: 20)")
    parser.add_argument("--rows", type=int, default=200_000, help="out-of-fold rows of each (default: 200000)")
    parser.add_argument("--test_rows", type=int, default=200_000, help="rows of each prediction file (default: 200000)")
    parser.add_argument("--classes", type=int, default=100, help="columns of each (default: 100)")
    parser.add_argument("--methods", nargs="+", default=[_MEAN, "greedy"], help="without --oof: mean (default: mean greedy)")
    parser.add_argument("--metric", default="log_loss", help="that methods are fitted and judged by (default: log_loss)")
    arguments = parser.parse_args()
    python = [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as folder:
        sizes = [str(size) for size in (arguments.members, arguments.rows, arguments.test_rows, arguments.classes)]
        made = measure([*python, _MAKE, folder, *sizes])
        members = [str(Path(folder) / f"m{number:02d}.csv") for number in range(arguments.members)]
        mb = sum(Path(member).stat().st_size for member in members) / 1e6
        print(f"{arguments.members} files of {arguments.test_rows:,} rows x {arguments.classes} classes, {mb:.0f} MB,", end=" ")
        print(f"with {arguments.rows:,} out-of-fold rows each, made in {made.seconds:.0f} s", flush=True)
        theirs = str(Path(folder) / "theirs.csv")
        plain = measure([*python, _PLAIN, theirs, *members])
        print(f"{'mean by pandas and numpy':<42}{plain}", flush=True)
        for method in arguments.methods:
            fitted = [] if method == _MEAN else ["--oof", "--metric", arguments.metric]
            flags = ["--method", method, *fitted, "--workspace", folder, "--save_path", f"{folder}/{method}.csv"]
            merged = measure([sys.executable, "-m", "scripts.merge_predicted", *members, *flags])
            name = " ".join(["merge_predicted --method", method, *fitted[:1]])
            print(f"{name:<42}{merged}   {merged.seconds / plain.seconds:.2f} times as long as the plain mean", flush=True)
            if method == _MEAN:
                worse = measure([*python, _COMPARE, f"{folder}/{method}.probabilities.csv", theirs]).output.strip()
                print(f"{'':<42}rows with another label than the plain mean: {worse}")


if __name__ == "__main__":
    main()
