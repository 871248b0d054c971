"""Every format of real competitions, from its files to a submission: create, audit, train two epochs, predict, check."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from scripts import audit_dataset, check_submission, creating_dataset, predict_classes, training
from tests.formats import FORMATS
from tests.formats.reader import check_submission as read_by_itself
from tests.tiny_competition import NET

QUICK = {"aerial-cactus-identification", "ranzcr-clip-catheter-line-classification", "petfinder-pawpularity-score"}
CASES = [pytest.param(name, id=name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in FORMATS]


def test_the_formats_are_those_of_the_list() -> None:
    assert len(FORMATS) >= 24 and sum(form.complexity in "LM*" for form in FORMATS.values()) >= 24
    assert set("abcdef") == {letter for form in FORMATS.values() for letter in form.letters}
    assert {form.task for form in FORMATS.values()} == {"single_label", "binary", "multi_label", "ordinal", "regression"}


@pytest.mark.parametrize("name", CASES)
def test_a_competition_goes_from_its_files_to_a_submission(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name.startswith("rsna") and importlib.util.find_spec("pydicom") is None:
        pytest.skip("DICOM files need requirements-dicom.txt")
    form, raw = FORMATS[name], tmp_path / name
    raw.mkdir()
    form.make(raw)
    before = {path: path.read_bytes() for path in sorted(raw.rglob("*")) if path.is_file()}
    source = raw if not form.container else Path(shutil.make_archive(str(tmp_path / "download"), form.container, raw))
    root = tmp_path / "work"
    root.mkdir()
    (root / "net.py").write_text(NET)
    place = ["--workspace", str(root)]

    assert creating_dataset.main([str(source), *form.flags, "--train_size", "0.75", *place]) == 0, capsys.readouterr().err
    record = json.loads((root / "dataset/competition.json").read_text())
    assert record["task"] == form.task
    assert {path: path.read_bytes() for path in before} == before, "the source was changed"
    assert creating_dataset.main([str(source), *form.flags, "--train_size", "0.75", *place]) == 0, "a second run is not the same"
    assert audit_dataset.main(place) == 0, capsys.readouterr().err
    flags = ["--num_epochs", "2", "--resize", "16", "--batch_size", "8", "--no_save_graph", "--learning_rate", "0.01"]
    assert training.main([str(root / "net.py"), *flags, *place]) == 0, capsys.readouterr().err
    answer = root / "outputs/answer.csv"
    assert predict_classes.main([str(root / "net.py"), "--weights", "net_2", "--save_path", str(answer), *place]) == 0, (
        capsys.readouterr().err
    )
    assert check_submission.main([str(answer), *place]) == 0, capsys.readouterr()
    sample = next(path for path in before if path.name == "sample_submission.csv")
    read_by_itself(answer, sample, form)
