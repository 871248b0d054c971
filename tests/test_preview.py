"""core.training.preview: what the picture of the augmentation shows is what training will see."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.batches import BatchMaker
from core.data.competition import read_competition
from core.data.labelled import Part, read_parts
from core.data.manifest import ImageRecord
from core.data.normalization import Normalization
from core.data.preprocessing import Preprocessing
from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError
from core.training.plan import RunPlan
from core.training.preview import NUM_DRAWS, NUM_IMAGES, Picture, _examples, preview_augmentation
from core.training.run_images import open_run_images
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import Workspace
from tests.test_augmentation import UNMIXED
from tests.tiny_competition import CLASSES, copy_workspace, make_workspace, snapshot, untrained

SIDE = 8


@pytest.fixture(scope="module")
def color(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with color images, not to be changed."""
    return make_workspace(tmp_path_factory.mktemp("color") / "w", color=True)


@pytest.fixture(params=["grey", "color"])
def workspace(request: pytest.FixtureRequest, color: Workspace) -> Workspace:
    return color if request.param == "color" else untrained()


def plan_for(workspace: Workspace, seed: int = 0, **augmentation: Any) -> RunPlan:
    return RunPlan(
        workspace.root / "net.py",
        RunSettings(seed=seed),
        OptimizationSettings(),
        PreprocessingSettings(resize=SIDE),
        AugmentationSettings(**augmentation),
        RuntimeSettings(device="cpu", num_workers=0),
        StoreSettings(store="never"),
    )


def id_of(row: list[Picture]) -> str:
    return row[0].title.split(" (class ")[0]


def as_training_sees_them(workspace: Workspace, plan: RunPlan, epoch: int, mean: tuple[float, ...]) -> dict[str, np.ndarray]:
    """id -> the image of a training batch of this epoch, as uint8 (side, side, channels)."""
    competition = read_competition(workspace)
    train = open_run_images(workspace, plan, competition, read_parts(workspace, competition), len(mean)).train
    normalization = Normalization(mean, (1.0,) * len(mean))
    maker = BatchMaker(plan.augmentation, normalization, 7, plan.run.seed, torch.device("cpu"), SIDE)
    seen: dict[str, np.ndarray] = {}
    for batch in maker.batches(train, epoch):
        images = (batch.inputs + torch.tensor(mean)[None, :, None, None]).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        seen |= {train.ids[position]: image for position, image in zip(batch.positions, images, strict=True)}
    return seen


def mean_of_shown(workspace: Workspace, rows: list[list[Picture]], channels: int, side: int) -> tuple[float, ...]:
    decode = Preprocessing(PreprocessingSettings(resize=side), channels)
    shown = np.stack([decode(workspace.data_dir / "train_images" / f"img_{id_of(row)}.png") for row in rows])
    return tuple((shown.mean(axis=(0, 2, 3)) / 255).tolist())


@pytest.mark.parametrize(
    "augmentation",
    [UNMIXED, {"horflip": 0.5, "rotate": 40.0}, {"erase": 1.0, "noise": 0.2}, {"trivialaugment": True, "store_size": 13}],
    ids=["all", "turn", "erase", "policy"],
)
def test_every_picture_is_what_training_makes_of_the_image_in_that_epoch(workspace: Workspace, augmentation: dict[str, Any]) -> None:
    plan = plan_for(
        workspace, 5, **{name: value for name, value in augmentation.items() if name != "trivialaugment" or len(augmentation) < 9}
    )
    rows = preview_augmentation(workspace, plan)
    mean = mean_of_shown(workspace, rows, rows[0][0].pixels.shape[-1], plan.augmentation.source_side(SIDE))
    for epoch in range(NUM_DRAWS):
        seen = as_training_sees_them(workspace, plan, epoch, mean)
        for row in rows:
            assert np.abs(row[1 + epoch].pixels.astype(int) - seen[id_of(row)]).max() <= 1
    assert any(not np.array_equal(row[1].pixels, row[2].pixels) for row in rows)


def test_rows_titles_and_shapes(workspace: Workspace) -> None:
    rows = preview_augmentation(workspace, plan_for(workspace, rotate=30.0))
    parts = read_parts(workspace, read_competition(workspace))
    labels = {record.id: label for record, label in zip(parts.train.records, parts.train.labels, strict=True)}
    assert len(rows) == NUM_IMAGES and all(len(row) == 1 + NUM_DRAWS for row in rows)
    assert [row[0].title for row in rows] == [f"{id_of(row)} (class {labels[id_of(row)]})" for row in rows]
    assert len({id_of(row) for row in rows}) == NUM_IMAGES
    assert [labels[id_of(row)] for row in rows[:3]] != [labels[id_of(rows[0])]] * 3
    assert {labels[id_of(row)] for row in rows} == set(CLASSES)
    channels = 3 if read_competition(workspace).channels == 3 else 1
    for row in rows:
        assert [picture.title for picture in row[1:]] == [f"epoch {epoch + 1}" for epoch in range(NUM_DRAWS)]
        assert {(picture.pixels.shape, picture.pixels.dtype.name) for picture in row} == {((SIDE, SIDE, channels), "uint8")}
        path = workspace.data_dir / "train_images" / f"img_{id_of(row)}.png"
        with Image.open(path) as image:
            original = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).reshape(SIDE, SIDE, channels)
        assert np.array_equal(row[0].pixels, original)


@pytest.mark.parametrize(
    ("labels", "shown"),
    [("aaaaaaaabc", [0, 8, 9, 1, 2]), ("abcdefgh", [0, 1, 2, 3, 4]), ("bbbbbbba", [0, 7, 1, 2, 3]), ("ab", [0, 1]), ("aab", [0, 2, 1])],
)
def test_a_rare_class_is_shown_too(labels: str, shown: list[int]) -> None:
    records = [ImageRecord("train", str(i), f"{i}.png", 0, 0, "") for i in range(len(labels))]
    chosen = _examples(Part(list(labels), records, [10 * i for i in range(len(labels))]))
    assert [int(record.id) for record in chosen.records] == shown
    assert chosen.labels == [labels[i] for i in shown] and chosen.rows == [10 * i for i in shown]


def test_without_augmentation_every_picture_is_the_image(workspace: Workspace) -> None:
    for row in preview_augmentation(workspace, plan_for(workspace)):
        assert all(np.array_equal(picture.pixels, row[0].pixels) for picture in row)


def test_another_seed_shows_other_draws_of_the_same_images() -> None:
    one, other = (preview_augmentation(untrained(), plan_for(untrained(), seed, rotate=90.0)) for seed in (0, 1))
    for mine, theirs in zip(one, other, strict=True):
        assert mine[0].title == theirs[0].title and np.array_equal(mine[0].pixels, theirs[0].pixels)
        assert not np.array_equal(mine[1].pixels, theirs[1].pixels)


def test_mixed_images_say_what_they_are_made_of() -> None:
    rows = preview_augmentation(untrained(), plan_for(untrained(), mixup=5.0))
    originals, names = [row[0].pixels.astype(float) for row in rows], [row[0].title.split("class ")[1][:-1] for row in rows]
    told = 0
    for i, row in enumerate(rows):
        for epoch, picture in enumerate(row[1:]):
            head, _, text = picture.title.partition(", ")
            shares = {part.split("% of ")[1]: int(part.split("% of ")[0]) / 100 for part in text.split(" + ")}
            assert head == f"epoch {epoch + 1}" and sum(shares.values()) == pytest.approx(1, abs=0.011)
            if names[i] != names[i - 1]:
                kept = shares.get(names[i], 0)
                assert np.abs(picture.pixels - (kept * originals[i] + (1 - kept) * originals[i - 1])).max() < 3
                told += 1
    assert told > NUM_DRAWS


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    before = snapshot(workspace.root)
    plan = replace(plan_for(workspace, random_resized_crop=0.5), store=StoreSettings(store="always"))
    preview_augmentation(workspace, plan)
    assert snapshot(workspace.root) == before


def test_a_damaged_image_and_a_wrong_flag_are_named(tmp_path: Path) -> None:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    shown = id_of(preview_augmentation(workspace, plan_for(workspace))[0])
    (workspace.data_dir / "train_images" / f"img_{shown}.png").unlink()
    with pytest.raises(InputError, match=rf"missing.*img_{shown}\.png"):
        preview_augmentation(workspace, plan_for(workspace))
    with pytest.raises(InputError, match="--rotate 200"):
        preview_augmentation(workspace, plan_for(workspace, rotate=200.0))
