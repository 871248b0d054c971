"""What a sample submission shows is read from any file, and little of it where it is long."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.submission.sample import MOST_VALUES, Sample, read_sample


def sample_of(folder: Path, text: str) -> Sample:
    path = folder / "s.csv"
    path.write_text(text, newline="")
    return read_sample(path)


@given(st.lists(st.sampled_from(["", "0", "0.5", "a b", "a, b", 'say "x"', "long text of a class"]), min_size=1, max_size=9))
def test_the_different_cells_come_back_in_order(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' if set(cell) & set(',"') else cell for cell in cells]
    text = "id,y,z\n" + "".join(f"{i},{cell},9\n" for i, cell in enumerate(quoted))
    assert sample_of(tmp_path_factory.mktemp("s"), text).values == tuple(dict.fromkeys(cells))


@pytest.mark.parametrize("quote", ["", '"'])
def test_only_so_many_are_held(quote: str, tmp_path: Path) -> None:
    sample = sample_of(tmp_path, "id,y\n" + "".join(f"{i},{quote}{i / 8}{quote}\n" for i in range(3 * MOST_VALUES)))
    assert len(sample.values) == MOST_VALUES
    assert sample.numbers is not None and len(sample.numbers) == MOST_VALUES


@pytest.mark.parametrize(
    ("text", "header", "quoted"),
    [
        ("id,y\n1,2\n", b"id,y", (False, False)),
        ('\ufeff"id","y"\r\n1,"2"\r\n', b'"id","y"', (False, True)),
        ('id,y\n"1","2, 3"\n', b"id,y", (True, False)),
        ('id,"y\nz"\n1,2\n', b"", ()),
        ("\n\nid,y\n1,2\n", b"id,y", (False, False)),
        ("id,y\n", b"id,y", ()),
    ],
)
def test_header_and_quotes_are_kept(text: str, header: bytes, quoted: tuple[bool, ...], tmp_path: Path) -> None:
    sample = sample_of(tmp_path, text)
    assert (sample.header, sample.quoted) == (header, quoted)


@pytest.mark.parametrize(
    ("values", "numbers", "inside"),
    [
        (("0", "1"), (0, 1), True),
        (("0.0", "1"), (0, 1), True),
        (("", "1"), (1,), True),
        (("",), None, False),
        (("2",), (2,), False),
        (("a",), None, False),
    ],
)
def test_cells_as_numbers_and_as_classes(values: tuple[str, ...], numbers: tuple[float, ...] | None, inside: bool) -> None:
    sample = Sample(values)
    assert sample.numbers == numbers
    assert sample.are_all_in(("0", "1")) == inside
