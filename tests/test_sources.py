"""What a source may be called: every way to write one has one canonical form."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.sources import SOURCES, canonical_source
from core.errors import InputError

FILES = {"train_answers.csv": b"id,label\n0,1\n", "train_images/img_0.png": b"\x89PNG", "sample_submission.csv": b"id,label\n"}


def write_zip(path: Path, extra: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**FILES, **(extra or {})}.items():
            archive.writestr(f"data/{name}", data)
    return path


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk shows nothing here and takes seconds where other programs write."""
    monkeypatch.setattr("os.sync", lambda: None)


WAYS = ["kaggle:{}", "kaggle:c/{}", "kaggle:competitions/{}", "https://www.kaggle.com/c/{}", "https://www.kaggle.com/competitions/{}"]
WAYS += [
    "https://www.kaggle.com/competitions/{}/data?x=a.csv",
    "kaggle.com/c/{}/",
    "http://kaggle.com/competitions/{}#x",
    " kaggle.com/c/{} ",
]
NO_SOURCES = ["", "kaggle:", "kaggle:a/b/c", "kaggle:../x", "https://www.kaggle.com/datasets/a/b", "https://www.kaggle.com"]
NO_SOURCES += ["https://example.com/a.zip", "https://kaggle.com.example.com/c/x", "a\0b", "x" * 5000, "torch:cifar"]


@pytest.mark.parametrize("text", WAYS)
@given(slug=st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True))
def test_every_way_to_write_a_competition_is_one_source(text: str, slug: str) -> None:
    assert canonical_source(text.format(slug)) == f"kaggle:{slug}"


def test_a_path_becomes_absolute_and_a_word_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "a.zip").write_bytes(b"")
    assert canonical_source("a.zip") == canonical_source("./x/../a.zip") == str(tmp_path / "a.zip")
    assert canonical_source("digits") == "digits" and canonical_source("./digits") == str(tmp_path / "digits")


@pytest.mark.parametrize("text", NO_SOURCES)
def test_anything_else_is_refused_with_the_list_of_what_may_be(text: str) -> None:
    with pytest.raises(InputError, match=r"'digits' .*kaggle:<slug>.*archive.*folder"):
        canonical_source(text)


def test_a_near_match_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "lungs.zip")
    with pytest.raises(InputError, match="did you mean digits"):
        canonical_source("digit")
    with pytest.raises(InputError, match=r"did you mean .*lungs\.zip"):
        canonical_source(str(tmp_path / "lung.zip"))


def test_the_registry_names_the_four_kinds() -> None:
    assert list(SOURCES) == ["digits", "kaggle", "archive", "folder"]
