"""core.data.preprocessing: the fixed operations, equal to Pillow's own on the same picture. Catalogue cases 32-34."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import functional

from core.data.preprocessing import Preprocessing, apply_mask, choose_channels, find_mask, resize_image
from core.data.settings import PreprocessingSettings
from core.errors import InputError

SIDE = 24
COLOR = Image.fromarray(np.random.default_rng(0).integers(0, 180, (SIDE, SIDE, 3), dtype=np.uint8))
GREY = COLOR.convert("L")


@pytest.fixture
def color_path(tmp_path: Path) -> Path:
    COLOR.save(tmp_path / "img_7.png")
    return tmp_path / "img_7.png"


def done(path: Path, channels: int = 3, **values: object) -> np.ndarray:
    return Preprocessing(PreprocessingSettings(**{"resize": SIDE, **values}), channels)(path)  # type: ignore[arg-type]


def as_pixels(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


OPERATIONS = {
    "equalize": (True, functional.equalize),
    "invert": (True, functional.invert),
    "brightness": (1.7, lambda image: functional.adjust_brightness(image, 1.7)),
    "contrast": (0.4, lambda image: functional.adjust_contrast(image, 0.4)),
    "sharpness": (2.5, lambda image: functional.adjust_sharpness(image, 2.5)),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_torchvisions_on_the_same_picture(color_path: Path, name: str, channels: int) -> None:
    value, expected = OPERATIONS[name]
    got = done(color_path, channels, **{name: value})
    assert np.array_equal(got, as_pixels(expected(GREY if channels == 1 else COLOR)))  # type: ignore[operator]
    assert not np.array_equal(got, done(color_path, channels))


def test_operations_are_done_in_the_order_of_their_fields(color_path: Path) -> None:
    expected = functional.adjust_contrast(functional.invert(functional.equalize(COLOR)), 0.5)
    assert np.array_equal(done(color_path, contrast=0.5, invert=True, equalize=True), as_pixels(expected))


def test_without_operations_the_pixels_are_the_files(color_path: Path) -> None:
    got = done(color_path)
    assert got.dtype == np.uint8 and got.flags.c_contiguous
    assert np.array_equal(got, as_pixels(COLOR))


def test_grayscale_with_three_channels_gives_three_equal_ones(color_path: Path) -> None:
    assert np.array_equal(done(color_path, grayscale=True), np.repeat(as_pixels(GREY), 3, axis=0))
    assert np.array_equal(done(color_path, 1, grayscale=True), as_pixels(GREY))


@pytest.mark.parametrize(("size", "mode"), [((1, 1), "RGB"), ((64, 48), "RGB"), ((48, 64), "L"), ((40, 20), "CMYK"), ((9, 9), "P")])
@pytest.mark.parametrize("keep_aspect", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_picture_gets_the_models_shape(tmp_path: Path, size: tuple[int, int], mode: str, keep_aspect: bool, channels: int) -> None:
    Image.new(mode, size).save(tmp_path / "a.tif")
    preprocessing = Preprocessing(PreprocessingSettings(resize=8, keep_aspect=keep_aspect), channels)
    assert preprocessing(tmp_path / "a.tif").shape == preprocessing.shape == (channels, 8, 8)


def test_resizing_is_pillows_antialiased_bilinear() -> None:
    assert np.array_equal(np.asarray(resize_image(COLOR, 10)), np.asarray(COLOR.resize((10, 10), Image.Resampling.BILINEAR)))
    assert resize_image(COLOR, SIDE) is COLOR


def test_keeping_the_aspect_ratio_pads_both_sides_with_black() -> None:
    white = Image.new("RGB", (40, 20), (255, 255, 255))
    wide, tall = (np.asarray(resize_image(image, 16, True)) for image in (white, white.rotate(90, expand=True)))
    for padded in (wide, tall.transpose(1, 0, 2)):
        assert (padded[:4] == 0).all() and (padded[4:12] == 255).all() and (padded[12:] == 0).all()


@pytest.mark.parametrize("white", [1, 255])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_mask_keeps_white_and_blackens_black(tmp_path: Path, color_path: Path, white: int, channels: int) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, : SIDE // 2] = white
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "img_7.png")
    got, plain = done(color_path, channels, mask=str(tmp_path / "masks")), done(color_path, channels)
    assert np.array_equal(got[:, :, : SIDE // 2], plain[:, :, : SIDE // 2])
    assert not got[:, :, SIDE // 2 :].any()


def test_a_mask_of_another_size_is_stretched_without_new_values(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(tmp_path / "mask.png")
    got = np.asarray(apply_mask(Image.new("L", (8, 6), 100), tmp_path / "mask.png"))
    assert set(np.unique(got)) == {0, 100} and not got[:3, :4].any() and (got[:3, 4:] == 100).all()


def test_a_soft_mask_multiplies(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "mask.png")
    assert np.asarray(apply_mask(Image.new("L", (3, 1), 100), tmp_path / "mask.png")).tolist() == [[0, 20, 100]]


def test_a_black_mask_blackens_everything(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 0).save(tmp_path / "mask.png")
    assert not np.asarray(apply_mask(Image.new("RGB", (2, 2), (9, 9, 9)), tmp_path / "mask.png")).any()


def test_the_mask_in_a_sub_folder_named_as_the_images_goes_before_the_one_beside_it(tmp_path: Path) -> None:
    masks, image = tmp_path / "masks", tmp_path / "train_images" / "img_7.png"
    (masks / "train_images").mkdir(parents=True)
    with pytest.raises(InputError, match=r"masks: holds no mask for train_images/img_7\.png"):
        find_mask(masks, image)
    (masks / "img_7.bmp").touch()
    assert find_mask(masks, image) == masks / "img_7.bmp"
    (masks / "img_7.png").touch()
    assert find_mask(masks, image) == masks / "img_7.png"
    (masks / "train_images" / "img_7.jpg").touch()
    assert find_mask(masks, image) == masks / "train_images" / "img_7.jpg"
    assert find_mask(masks, tmp_path / "test_images" / "img_7.png") == masks / "img_7.png"


@pytest.mark.parametrize(
    ("values", "images_are_grey", "expected"),
    [
        ({}, True, 1),
        ({}, False, 3),
        ({"grayscale": True}, False, 1),
        ({"grayscale": True, "channels": "3"}, False, 3),
        ({"channels": "3"}, True, 3),
        ({"channels": "1"}, False, 1),
    ],
)
def test_channels_follow_the_flag_then_the_images(values: dict[str, object], images_are_grey: bool, expected: int) -> None:
    assert choose_channels(PreprocessingSettings(**values), images_are_grey) == expected  # type: ignore[arg-type]


settings_of_any_kind = st.builds(
    PreprocessingSettings,
    mask=st.none() | st.text(max_size=5),
    grayscale=st.booleans(),
    channels=st.sampled_from(["auto", "1", "3"]),
    resize=st.integers(8, 64),
    brightness=st.floats(0, 10),
)


@settings(deadline=None)
@given(settings_of_any_kind, st.sampled_from([1, 3]))
def test_preprocessing_survives_plain_types(chosen: PreprocessingSettings, channels: int) -> None:
    preprocessing = Preprocessing(chosen, channels)
    assert Preprocessing.from_plain(preprocessing.to_plain()) == preprocessing


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_a_mask_may_be_an_array(tmp_path: Path, dtype: type) -> None:
    (tmp_path / "masks").mkdir()
    np.save(tmp_path / "masks" / "img_7.npy", np.array([[0, 1], [1, 1]], dtype))
    found = find_mask(tmp_path / "masks", tmp_path / "img_7.dcm")
    assert np.asarray(apply_mask(Image.new("L", (2, 2), 100), found)).tolist() == [[0, 100], [100, 100]]
