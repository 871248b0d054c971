"""core.data.duplicates: every planted copy is found, nothing else is, and no number of copies explodes."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import idctn

from core.data import duplicates
from core.data.candidates import Candidates, find_candidates
from core.data.duplicates import Duplicates, Pair, Pictures, find_duplicates
from core.data.grouping import Joined, duplicate_groups
from core.data.hashing import VIEWS, coefficients, hashes
from core.data.settings import AuditSettings
from core.progress import silent
from tests.copies import CHANGES, SYMMETRIES, scene, symmetric, thumbnail


def pictures(thumbnails: list[np.ndarray], contents: list[str] | None = None, seen: list[bool] | None = None) -> Pictures:
    count = len(thumbnails)
    return Pictures(
        contents or [f"{i}" for i in range(count)],
        np.stack(thumbnails),
        np.ones(count, bool) if seen is None else np.array(seen),
        np.zeros(count, bool),
    )


def find(some: Pictures, **details: object) -> Duplicates:
    return find_duplicates(some, AuditSettings(**details))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", CHANGES)
def test_every_symmetric_and_changed_copy_is_found(change: str) -> None:
    """Each of 16 scenes has one copy, in one of the views, changed; the pairs say which view."""
    views = [list(SYMMETRIES)[i % 8] for i in range(16)]
    originals = [scene(i) for i in range(16)]
    copies = [CHANGES[change](symmetric(picture, view)) for picture, view in zip(originals, views, strict=True)]
    found = find(pictures([thumbnail(p) for p in (*originals, *copies)]))
    assert sorted((p.first, p.second, VIEWS[p.view]) for p in found.pairs) == [(i, 16 + i, views[i]) for i in range(16)]
    assert all(0 <= p.distance <= 10 and 0 <= p.difference < 0.1 and not p.exact for p in found.pairs)
    assert found.flat == [] and found.bound == 10


def test_copies_of_copies_are_one_group_held_by_its_nearest_pairs() -> None:
    picture = scene(1)
    some = [picture, scene(2), CHANGES["compressed"](picture), symmetric(picture, "mirrored"), picture]
    found = find(pictures([thumbnail(p) for p in some], ["a", "b", "c", "d", "a"]))
    assert duplicate_groups(5, [p[-2:] for p in found.pairs]).tolist() == [0, 1, 0, 0, 0]
    assert len(found.pairs) == 3 and found.pairs == sorted(found.pairs)
    assert [(p.first, p.second) for p in found.pairs if p.exact] == [(0, 4)]


def test_the_order_does_not_matter_for_the_groups() -> None:
    originals = [scene(i) for i in range(6)]
    some = [thumbnail(p) for p in (*originals, *map(CHANGES["all of it"], originals[:4]), *map(CHANGES["darker"], originals[:2]))]
    groups = duplicate_groups(12, [p[-2:] for p in find(pictures(some)).pairs])
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(12)
        again = duplicate_groups(12, [p[-2:] for p in find(pictures([some[i] for i in order])).pairs])
        assert np.array_equal(again[:, None] == again, groups[order][:, None] == groups[order])
    assert len(set(groups.tolist())) == 6


def test_unreadable_images_have_exact_copies_only() -> None:
    black = np.zeros((32, 32), np.uint8)
    found = find(pictures([black, black, black, thumbnail(scene(0))], ["x", "x", "y", "z"], [False, False, False, True]))
    assert [(p.first, p.second, p.exact) for p in found.pairs] == [(0, 1, True)] and found.flat == []


def test_thousands_of_blank_pages_are_told_and_not_paired() -> None:
    rng = np.random.default_rng(0)
    blank = [np.full((32, 32), 250, np.uint8) - rng.integers(0, 3, (32, 32), dtype=np.uint8) for _ in range(3000)]
    begin = time.perf_counter()
    found = find(pictures([*blank, thumbnail(scene(0)), thumbnail(CHANGES["darker"](scene(0)))]))
    assert found.flat == list(range(3000)) and [p[-2:] for p in found.pairs] == [(3000, 3001)]
    assert time.perf_counter() - begin < 5


def test_thousands_of_copies_of_one_hash_are_held_by_one_pair_fewer() -> None:
    base, rng = thumbnail(scene(4)), np.random.default_rng(0)
    copies = [base + rng.integers(0, 2, base.shape, dtype=np.uint8) for _ in range(2000)]
    begin = time.perf_counter()
    found = find(pictures([*copies, thumbnail(scene(5))]))
    assert len(found.pairs) == 1999 and len(set(duplicate_groups(2001, [p[-2:] for p in found.pairs]).tolist())) == 2
    assert time.perf_counter() - begin < 10


def test_pictures_that_all_look_alike_and_are_no_copies_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash, other detail: no more than `_TRIED` of them are compared with all, and none is lost."""
    low = coefficients(thumbnail(scene(4))[None])[0]
    low[8:], low[:, 8:] = 0, 0
    rng = np.random.default_rng(0)
    some = []
    for _ in range(100):
        coefs = low + np.where(np.add.outer(np.arange(32), np.arange(32)) > 20, rng.normal(scale=8, size=(32, 32)), 0)
        some.append(np.clip(np.round(idctn(coefs, norm="ortho") + 120), 0, 255).astype(np.uint8))
    compared = []
    plain = duplicates._Looks.compare
    monkeypatch.setattr(duplicates._Looks, "compare", lambda *rest: compared.append(len(rest[1])) or plain(*rest))
    monkeypatch.setattr(duplicates, "_TRIED", 3)
    monkeypatch.setattr(duplicates, "find_candidates", lambda *_: find_candidates(np.empty((0, 8), np.uint64), 10))
    assert find(pictures(some)).pairs == [] and compared == [99, 98, 97]
    monkeypatch.setattr(duplicates, "find_candidates", find_candidates)
    assert [p[-2:] for p in find(pictures([*some, some[90] + 1])).pairs] == [(90, 100)]


def test_of_pairs_equally_far_the_most_alike_hold_a_group() -> None:
    class Looks:
        def compare(self, first: np.ndarray, second: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
            return np.ones(len(first), bool), np.where((first == 0) & (second == 1), 0.05, 0.01)

    candidates = Candidates(np.array([0, 0, 1]), np.array([1, 2, 2]), np.zeros(3, int), np.full(3, 4), 10)
    found = duplicates._confirmed(Looks(), candidates, np.arange(3), Joined(3), silent)  # type: ignore[arg-type]
    assert found == [Pair(4, 0, 0.01, 0, 2), Pair(4, 0, 0.01, 1, 2)]


def test_settings_and_smallness_decide() -> None:
    one, other = thumbnail(scene(0)), thumbnail(CHANGES["all of it"](scene(0)))
    pair = find(pictures([one, other])).pairs[0]
    assert pair.difference > 0 and find(pictures([one, other]), min_similarity=0.99999).pairs == []
    noisy = np.clip(one + np.random.default_rng(0).normal(scale=6, size=one.shape), 0, 255).astype(np.uint8)
    both = pictures([one, noisy])
    for small, count in (([False, False], 1), ([False, True], 0), ([True, False], 0)):
        assert len(find(replace(both, small=np.array(small)), min_similarity=0.8).pairs) == count
    apart = int(np.bitwise_count(hashes(coefficients(one[None]))[0, 0] ^ hashes(coefficients(noisy[None]))[0, 0]))
    assert len(find(both, min_similarity=0.8, max_distance=apart).pairs) == 1
    assert apart == 0 or find(both, min_similarity=0.8, max_distance=apart - 1).pairs == []


def test_nothing_to_compare() -> None:
    empty = Pictures([], np.empty((0, 32, 32), np.uint8), np.empty(0, bool), np.empty(0, bool))
    assert find(empty) == Duplicates([], [], 10)
    assert find(pictures([thumbnail(scene(0))])).pairs == []


@given(seed=st.integers(0, 10**6), view=st.sampled_from(list(SYMMETRIES)), change=st.sampled_from(list(CHANGES)))
def test_a_planted_copy_of_any_picture_is_found(seed: int, view: str, change: str) -> None:
    some = [scene(seed), scene(seed + 1), CHANGES[change](symmetric(scene(seed), view))]
    found = find(pictures([thumbnail(p) for p in some]))
    assert [(p.first, p.second, VIEWS[p.view]) for p in found.pairs] == [(0, 2, view)]
