"""core.progress: the default shows nothing and changes nothing."""

from core.progress import silent


def test_silent_passes_the_very_items_through(capsys: object) -> None:
    items = iter([1, 2])
    assert silent(items, 2, "label", "it") is items
    assert list(items) == [1, 2]
    assert capsys.readouterr() == ("", "")  # type: ignore[attr-defined]
