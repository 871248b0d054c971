"""core.workspace: where files lie, and which titles can name one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.workspace import Workspace, check_title

PLAIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", fullmatch=True)
GIVEN_BY_THE_PROJECT = ("_best", "_last", "_fold0", "_fold12", ".oof", ".probabilities", ".tmp-1")


def test_paths_are_the_documented_ones() -> None:
    workspace = Workspace(Path("w"))
    assert [
        path.as_posix() for path in (workspace.competition_path, workspace.manifest_path, workspace.source_path, workspace.store_dir)
    ] == [
        "w/dataset/competition.json",
        "w/dataset/images.csv",
        "w/dataset/source.json",
        "w/dataset/store",
    ]
    assert workspace.train_labels_path.as_posix() == "w/dataset/data/train_labels.csv"
    assert workspace.valid_labels_path.as_posix() == "w/dataset/data/test_labels.csv"
    assert [workspace.state_path("vgg19", suffix).as_posix() for suffix in ("last", "best", 20)] == [
        "w/model_states/vgg19_last.pt",
        "w/model_states/vgg19_best.pt",
        "w/model_states/vgg19_20.pt",
    ]
    assert (workspace.graph_path("a").as_posix(), workspace.log_path("a").as_posix()) == ("w/graphs/a.png", "w/graphs/a.csv")
    assert workspace.range_test_path("a").as_posix() == "w/graphs/a_learning_rates.png"
    assert (workspace.outputs_dir.as_posix(), workspace.oof_path("a").as_posix()) == ("w/outputs", "w/outputs/a.oof.csv")


@given(PLAIN)
def test_a_plain_name_is_a_title_unless_the_project_gives_such_names_itself(title: str) -> None:
    reserved = title.endswith(GIVEN_BY_THE_PROJECT[:2] + GIVEN_BY_THE_PROJECT[4:6]) or ".tmp-" in title
    if reserved or (title.rstrip("0123456789").endswith("_fold") and title[-1].isdigit()):
        with pytest.raises(InputError):
            check_title(title)
    else:
        assert check_title(title) == title


@given(PLAIN.filter(lambda title: len(title) < 80), st.sampled_from(GIVEN_BY_THE_PROJECT))
def test_names_that_the_project_gives_are_refused(title: str, ending: str) -> None:
    with pytest.raises(InputError, match="must not end in"):
        check_title(title + ending)


@given(st.text())
def test_no_title_leaves_its_folder_or_its_line(title: str) -> None:
    try:
        check_title(title)
    except InputError as error:
        assert str(error).startswith("--model_title ")
        assert str(error).isprintable()
    else:
        assert title.isascii() and title.isprintable() and len(title) <= 100
        path = Workspace(Path("w")).state_path(title, "last")
        assert path.parent == Path("w/model_states") and path.name == f"{title}_last.pt"


@pytest.mark.parametrize("title", ["../x", "a/b", "a\\b", "", "-x", ".x", "a\n", "a\nb", "a b", "x" * 101, "é"])
def test_refused_titles(title: str) -> None:
    with pytest.raises(InputError, match="--model_title"):
        check_title(title)


@pytest.mark.parametrize("title", ["vgg19", "vgg19_20", "a.b+c-d", "best", "last_one", "x" * 100, "fold1"])
def test_accepted_titles(title: str) -> None:
    assert check_title(title) == title
