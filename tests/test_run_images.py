"""core.training.run_images: the pixels of a run's two parts, by whatever way they come."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.data.competition import read_competition
from core.data.labelled import read_parts
from core.data.pixels import DecodedImages, StoredImages
from core.data.preprocessing import Preprocessing
from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError
from core.training.plan import RunPlan
from core.training.run_images import open_run_images
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from tests.tiny_competition import copy_workspace, untrained


@pytest.fixture
def workspace(tmp_path):
    return copy_workspace(untrained(), tmp_path / "w")


def opened(workspace, augmentation=None, workers=0, parts=None, **store):
    plan = RunPlan(
        workspace.root / "net.py", RunSettings(), OptimizationSettings(), PreprocessingSettings(resize=8),
        augmentation or AugmentationSettings(), RuntimeSettings(num_workers=workers), StoreSettings(**store),
    )  # fmt: skip
    competition = read_competition(workspace)
    return open_run_images(workspace, plan, competition, parts or read_parts(workspace, competition), 1)


def decoded(workspace, records, side):
    root = read_competition(workspace).image_root
    return np.stack([Preprocessing(PreprocessingSettings(resize=side), 1)(root / record.path) for record in records])


def everything(labelled):
    return labelled.images.take(np.arange(len(labelled)))


@pytest.mark.parametrize("store", ["auto", "always", "never"])
@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(
    ("augmentation", "side"), [({}, 8), ({"store_size": 11}, 11), ({"random_resized_crop": 0.5}, 10), ({"scale": 0.1}, 10)]
)
def test_both_parts_are_their_images_whatever_the_way(workspace, store, workers, augmentation, side):
    parts = read_parts(workspace, read_competition(workspace))
    images = opened(workspace, AugmentationSettings(**augmentation), workers, store=store)
    assert np.array_equal(everything(images.train), decoded(workspace, parts.train.records, side))
    assert np.array_equal(everything(images.valid), decoded(workspace, parts.valid.records, 8))
    assert isinstance(images.train.images, DecodedImages if store == "never" else StoredImages)
    assert images.train.ids == [r.id for r in parts.train.records] and list(images.valid.rows) == parts.valid.rows
    assert len(images.notes) == (1 if side == 8 else 2)
    assert len(list(workspace.store_dir.glob("*"))) == (0 if store == "never" else 1 if side == 8 else 2)


def test_other_splits_of_the_same_images_share_the_store(workspace):
    opened(workspace)
    parts = read_parts(workspace, read_competition(workspace))
    swapped = opened(workspace, parts=replace(parts, train=parts.valid, valid=parts.train))
    assert len(list(workspace.store_dir.iterdir())) == 1
    assert np.array_equal(everything(swapped.train), decoded(workspace, parts.valid.records, 8))


def test_targets_are_the_labels(workspace):
    images = opened(workspace)
    parts = read_parts(workspace, read_competition(workspace))
    assert [("cat", "dog", "fox")[t] for t in images.train.targets] == parts.train.labels
    assert images.valid.num_rows == 66


def test_on_the_processor_nothing_moves(workspace):
    images = opened(workspace)
    assert images.on(torch.device("cpu")).train.images is images.train.images


@pytest.mark.parametrize("store", ["auto", "never"])
def test_the_normalization_is_that_of_the_images_fitted_on(workspace, store):
    images = opened(workspace, store=store)
    found, pixels = images.fit_normalization(), everything(images.train) / 255
    assert found.mean == pytest.approx((pixels.mean(),)) and found.std == pytest.approx((pixels.std(),))


def test_without_a_store_damaged_images_of_both_parts_are_named_together(workspace):
    parts = read_parts(workspace, read_competition(workspace))
    paths = [read_competition(workspace).image_root / part.records[5].path for part in (parts.train, parts.valid)]
    images = opened(workspace, store="never")
    for path in paths:
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=f"{paths[0]}.*; .*{paths[1]}"):
        images.fit_normalization()
