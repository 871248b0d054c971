"""core.data.decoding: any number of threads or processes, the same pixels; a killed worker is told, a killed parent leaves none."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data import decoding
from core.data.decoding import DecodingJob, decode_into, decoding_workers, run_on_file
from core.data.preprocessing import Preprocessing
from core.data.settings import PreprocessingSettings
from core.errors import EnvironmentFault, InputError

ROOT = Path(__file__).parents[1]
COUNT = 70
GREY = Preprocessing(PreprocessingSettings(resize=8), 1)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("raw")
    for number in range(COUNT):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (10, 12), dtype=np.uint8)).save(folder / f"{number}.png")
    return [folder / f"{number}.png" for number in range(COUNT)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((COUNT, 1, 8, 8), np.uint8))
    return path


@pytest.fixture(params=["threads", "processes"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "processes":
        monkeypatch.setattr(decoding, "_WORTH_PROCESSES", 10)
    return str(request.param)


def test_as_many_workers_as_asked_for_or_as_cores() -> None:
    assert [decoding_workers(asked) for asked in (0, 1, 7)] == [0, 1, 7]
    assert 1 <= decoding_workers(None) <= (os.cpu_count() or 1)


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_the_pixels_do_not_depend_on_the_workers(paths: list[Path], file: Path, kind: str, workers: int) -> None:
    expected = np.stack([GREY(path) for path in paths])
    run_on_file(DecodingJob(paths, GREY), file, workers)
    assert np.array_equal(np.load(file), expected)
    in_memory = np.zeros_like(expected)
    decode_into(in_memory, paths, GREY, workers)
    assert np.array_equal(in_memory, expected)


def test_every_image_is_counted_in_order(paths: list[Path], file: Path, kind: str) -> None:
    seen = []

    def counting(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        assert (total, label, unit) == (COUNT, "decoding images", "images")
        for item in items:
            seen.append(item)
            yield item

    run_on_file(DecodingJob(paths, GREY), file, 2, counting)
    assert seen == [None] * COUNT


def test_damaged_images_are_named_in_order_and_all(paths: list[Path], file: Path, kind: str, tmp_path: Path) -> None:
    some = list(paths)
    for number in (3, 40, 69):
        some[number] = tmp_path / f"bad_{number}.png"
        some[number].write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"3 images cannot be used: .*bad_3\.png.*bad_40\.png.*bad_69\.png"):
        run_on_file(DecodingJob(some, GREY), file, 2)


def test_comparing_changes_nothing_and_names_what_differs(paths: list[Path], file: Path, kind: str) -> None:
    run_on_file(DecodingJob(paths, GREY), file, 2)
    run_on_file(DecodingJob(paths, GREY, compare=True), file, 2)
    pixels = np.load(file)
    pixels[50, 0, 7, 7] ^= 1
    np.save(file, pixels)
    before = file.read_bytes()
    with pytest.raises(InputError, match=r"1 images .*50\.png: is decoded to other pixels than those stored"):
        run_on_file(DecodingJob(paths, GREY, compare=True), file, 2)
    assert file.read_bytes() == before


def test_a_fault_of_the_machine_comes_out_as_it_is(paths: list[Path], file: Path, kind: str, tmp_path: Path) -> None:
    """Not as a damaged image: a name too long for the system, since root may read every file."""
    some = [*paths[:-1], tmp_path / ("x" * 300)]
    with pytest.raises(EnvironmentFault, match="File name too long"):
        run_on_file(DecodingJob(some, GREY), file, 2)


def test_without_semaphores_threads_do_it(paths: list[Path], file: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decoding, "ProcessPoolExecutor", full)
    run_on_file(DecodingJob(paths, GREY), file, 2)
    assert np.array_equal(np.load(file)[9], GREY(paths[9]))


def test_a_killed_process_is_told(paths: list[Path], file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_WORTH_PROCESSES", 10)
    made = []
    real = decoding.ProcessPoolExecutor

    def remembering(*arguments: Any, **details: Any) -> Any:
        made.append(real(*arguments, **details))
        return made[-1]

    def killing(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        for number, item in enumerate(items):
            if number == 0:
                for pid in list(made[0]._processes):
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.3)
            yield item

    monkeypatch.setattr(decoding, "ProcessPoolExecutor", remembering)
    many = DecodingJob(paths * 30, GREY)
    np.save(file, np.zeros((COUNT * 30, 1, 8, 8), np.uint8))
    with pytest.raises(EnvironmentFault, match=r"one of 2 decoding processes was killed.*--num_workers"):
        run_on_file(many, file, 2, killing)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_its_parent(paths: list[Path], file: Path, number: signal.Signals) -> None:
    program = """
        import sys, time
        from pathlib import Path
        from core.data import decoding
        from core.data.preprocessing import Preprocessing
        from core.data.settings import PreprocessingSettings
        decoding._WORTH_PROCESSES = 10
        def showing(items, total=None, label="", unit="it"):
            for number, item in enumerate(items):
                if number == 0:
                    import multiprocessing
                    print(*[p.pid for p in multiprocessing.active_children()], flush=True)
                time.sleep(0.05)
                yield item
        if __name__ == "__main__":
            job = decoding.DecodingJob([Path(p) for p in sys.argv[2:]], Preprocessing(PreprocessingSettings(resize=8), 1))
            decoding.run_on_file(job, Path(sys.argv[1]), 2, showing)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(file), *map(str, paths)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers) == 2 and all(map(alive, workers))
    if number == signal.SIGKILL:
        parent.kill()
    else:
        os.killpg(parent.pid, number)
    _, errors = parent.communicate(timeout=20)
    assert errors.count("Traceback") == (number == signal.SIGINT), errors
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


def other_kinds(folder: Path) -> list[Path]:
    """Arrays, floating-point and 16-bit pictures, and DICOM where pydicom is installed."""
    rng, paths = np.random.default_rng(0), []
    for number in range(COUNT):
        values = rng.normal(size=(2, 9, 11)).astype(np.float16) if number % 2 else rng.integers(0, 2**16, (9, 11), dtype=np.uint16)
        paths.append(folder / f"{number}.npy")
        np.save(paths[-1], values)
    for name, picture in (
        ("a.tif", rng.normal(size=(9, 11)).astype(np.float32)),
        ("b.png", rng.integers(0, 2**16, (9, 11), dtype=np.uint16)),
    ):
        Image.fromarray(picture).save(folder / name)
        paths.append(folder / name)
    if find_spec("pydicom"):
        from tests.dicom_files import dicom_file, stored

        paths.append(folder / "c.dcm")
        paths[-1].write_bytes(stored(dicom_file(rng.integers(-99, 99, (9, 11), dtype=np.int16))))
    return paths


def test_arrays_and_dicom_are_decoded_alike_by_workers_and_in_the_process(tmp_path: Path, kind: str) -> None:
    paths = other_kinds(tmp_path)
    expected = np.stack([GREY(path) for path in paths])
    file = tmp_path / "store"
    np.save(file.with_suffix(".npy"), np.zeros_like(expected))
    run_on_file(DecodingJob(paths, GREY), file.with_suffix(".npy"), 2)
    assert np.array_equal(np.load(file.with_suffix(".npy")), expected) and expected.std() > 20
