"""core.prediction.oof_records: a record vouches for the rows that it was written with, and for no others."""

import json

import pytest

from core.errors import InputError
from core.prediction.oof_records import OofRecord, read_oof_record, vouched_oof_record, write_oof

RECORD = OofRecord({"fold0": ("a" * 64, 3), "fold1": ("b" * 64, 4)}, "best", (0.1, 1 / 3), "macro-F1")


def test_a_record_comes_back(tmp_path):
    path = tmp_path / "net.oof.csv"
    write_oof(path, b"id,fold\n1,0\n", RECORD)
    assert path.read_bytes() == b"id,fold\n1,0\n" and read_oof_record(path) == RECORD
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.oof.csv", "net.oof.json"]
    write_oof(path, b"id,fold\n", OofRecord({}, "last"))
    assert read_oof_record(path) == OofRecord({}, "last")


@pytest.mark.parametrize("change", ["rows", "gone", "no record", "damaged", "list", "cuts", "runs"])
def test_a_record_of_other_rows_or_a_damaged_one_is_none(tmp_path, change):
    path = tmp_path / "net.oof.csv"
    write_oof(path, b"id,fold\n1,0\n", RECORD)
    record = path.with_suffix(".json")
    plain = json.loads(record.read_text())
    if change == "rows":
        path.write_bytes(b"id,fold\n1,1\n")
    elif change == "gone":
        path.unlink()
    elif change == "no record":
        record.unlink()
    else:
        texts = {
            "damaged": "{",
            "list": "[]",
            "cuts": json.dumps({**plain, "cuts": ["x"]}),
            "runs": json.dumps({**plain, "runs": {"a": 1}}),
        }
        record.write_text(texts[change])
    assert read_oof_record(path) is None
    if change == "rows":
        with pytest.raises(InputError, match=r"net\.oof\.csv: was changed after it was written .*net\.oof\.json"):
            vouched_oof_record(path)
    else:
        found, note = vouched_oof_record(path)
        assert found is None
        assert bool(note) == (change not in ("gone", "no record"))


def test_rows_that_are_as_they_were_written_are_vouched_for(tmp_path):
    path = tmp_path / "net.oof.csv"
    write_oof(path, b"id,fold\n1,0\n", RECORD)
    assert vouched_oof_record(path) == (RECORD, "")
