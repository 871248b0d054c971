"""The benchmark of saving and going on: a tiny run; how fast anything is, no test says."""

from benchmarks import saving
from tests.tiny_competition import untrained


def test_a_row_a_model(capsys):
    workspace = untrained()
    flags = ["--source", str(workspace.data_dir), "--resize", "8", "--batch_size", "16", "--rounds", "1"]
    assert saving.main([str(workspace.root / "net.py"), *flags]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.startswith("| net | ") and row.count("|") == 8 and "%" in row
