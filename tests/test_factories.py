"""The fixtures are what they say they are."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.factories import TinyCompetition


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "I;16"])
def test_a_class_is_the_place_of_the_brightest_band(tiny_competition: Callable[..., TinyCompetition], mode: str) -> None:
    competition = tiny_competition(classes=("a", "b", "c", "d"), sizes=(8, 4), mode=mode)
    assert (len(list(competition.data_dir.glob("train_images/*"))), len(list(competition.data_dir.glob("test_images/*")))) == (8, 4)
    for image_id, label in competition.labels.items():
        with Image.open(competition.train_image(image_id)) as image:
            assert (image.mode, image.size) == (mode, (32, 32))
            pixels = np.asarray(image if mode == "I;16" else image.convert("L"), dtype=float)
        assert pixels.reshape(32, 4, 8).mean((0, 2)).argmax() == "abcd".index(label)


def test_bad_images_are_bad(bad_images: dict[str, Path]) -> None:
    for name in ("trunc_png", "trunc_jpg", "zero", "html"):
        with pytest.raises(OSError), Image.open(bad_images[name]) as image:
            image.load()
    for name, size in {"bomb20000": (20_000, 20_000), "exif_rot": (40, 20), "not_square": (64, 48), "one_pixel": (1, 1)}.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Image, "MAX_IMAGE_PIXELS", 1 << 30)
            with Image.open(bad_images[name]) as image:
                assert image.size == size
    assert bad_images["bomb20000"].stat().st_size < 1_000_000
    for mode in ("1", "L", "LA", "P", "RGBA", "CMYK"):
        with Image.open(bad_images[f"mode_{mode}"]) as image:
            assert image.mode == mode


def test_bad_csvs_differ_from_the_good_one(bad_csvs: dict[str, Path], tiny_competition: Callable[..., TinyCompetition]) -> None:
    good = tiny_competition().answers_path.read_bytes()
    assert good.split(b"\n")[6] == b"5,2"
    assert all(path.read_bytes() != good for path in bad_csvs.values())
    assert len({path.read_bytes() for path in bad_csvs.values()}) == len(bad_csvs)


def test_there_is_no_network() -> None:
    with pytest.raises(OSError, match="do not use the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OSError, match="do not use the network"):
        socket.create_connection(("example.org", 80), timeout=1)
    with socket.socket() as direct, pytest.raises(OSError, match="do not use the network"):
        direct.settimeout(1)
        direct.connect(("192.0.2.1", 80))
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://example.org", timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=1) as client:
        assert client.getpeername() == server.getsockname()
