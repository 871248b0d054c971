"""python -m scripts.creating_dataset, through its command line. Catalogue cases 1, 14-28, 30, 31, 35-37."""

import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from core.data.competition import read_competition
from core.data.manifest import TEST, read_manifest
from core.tables import read_table
from core.workspace import Workspace
from scripts import creating_dataset
from tests.copies import compressed, scene
from tests.tiny_competition import snapshot, write_competition

REPOSITORY = Path(__file__).resolve().parents[1]
COUNT = 30
CLEAN = "Image,animal\n" + "".join(f"{i:03d},{i % 3}\n" for i in range(COUNT))
ROW = "\n005,2\n"  # stands at line 7
Run = Callable[..., tuple[int, str, str]]
AsNobody = Callable[[Path, Path, Path], tuple[int, str]]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "animals"
    write_competition(folder, COUNT, 4)
    (folder / "train_answers.csv").write_text(CLEAN)
    sample = folder / "sample_submission.csv"
    sample.write_text(sample.read_text().replace(",cat", ",0"))
    return folder


@pytest.fixture
def source(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "animals"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def run(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = creating_dataset.main(["--workspace", str(workspace.root), *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def error_of(stderr: str) -> str:
    """The one error line of a refusal, which is the last; warnings may stand before it."""
    lines = stderr.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:] and "Traceback" not in stderr, stderr
    return lines[-1]


def split_of(workspace: Workspace) -> tuple[bytes, bytes]:
    return workspace.train_labels_path.read_bytes(), workspace.valid_labels_path.read_bytes()


def no_temporary_files(folder: Path) -> bool:
    return not list(folder.rglob("*.tmp-*"))


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            file.write(path, f"data/{path.relative_to(folder)}")
    return archive


# --- the main way


def test_without_a_source_the_embedded_digits_are_split_and_a_second_run_changes_nothing(run: Run, workspace: Workspace) -> None:
    code, stdout, stderr = run()
    assert code == 0 and stderr.splitlines()[-1] == "dataset written"
    assert "fitted on" in stdout and "1294 images" in stdout and "144 images" in stdout
    competition = read_competition(workspace)
    assert (competition.name, competition.source, competition.channels) == ("digits", "digits", 1)
    assert competition.task.classes == tuple("0123456789")
    counts = [Counter(read_table(path).column("label")) for path in (workspace.train_labels_path, workspace.valid_labels_path)]
    assert all(abs(counts[1][digit] - 0.1 * (counts[0][digit] + counts[1][digit])) <= 1 for digit in "0123456789")
    before = snapshot(workspace.root)
    code, again, stderr = run()
    assert (code, again, stderr.splitlines()) == (0, stdout, ["already there: nothing was changed"])
    assert snapshot(workspace.root) == before and no_temporary_files(workspace.root)


def test_a_folder_is_read_in_place_and_nothing_is_written_there(run: Run, workspace: Workspace, source: Path) -> None:
    before = snapshot(source)
    assert run(source)[0] == 0
    assert snapshot(source) == before
    competition = read_competition(workspace)
    assert (competition.image_root, competition.name, competition.source) == (source, "animals", str(source))
    written = sorted(path.removeprefix("dataset/") for path in snapshot(workspace.root))
    assert written == ["competition.json", "data/test_labels.csv", "data/train_labels.csv", "images.csv", "source.json"]


def test_an_archive_is_unpacked_and_needed_no_more(run: Run, workspace: Workspace, source: Path, tmp_path: Path) -> None:
    archive = zipped(source, tmp_path / "animals.zip")
    assert run(archive)[0] == 0
    assert read_competition(workspace).image_root == workspace.data_dir
    from_archive, before = split_of(workspace), snapshot(workspace.root)
    for again in ([archive], [], [workspace.data_dir]):
        code, _, stderr = run(*again)
        assert (code, stderr.splitlines()[-1]) == (0, "already there: nothing was changed")
    archive.unlink()
    assert run()[0] == 0 and snapshot(workspace.root) == before
    assert run(source, "--force")[0] == 0
    assert split_of(workspace) == from_archive


def test_files_that_lie_in_the_workspace_are_found_without_a_source(run: Run, workspace: Workspace, source: Path) -> None:
    shutil.copytree(source, workspace.data_dir)
    assert run()[0] == 0
    assert read_competition(workspace).image_root == workspace.data_dir
    assert run()[2].splitlines() == ["already there: nothing was changed"]


@pytest.mark.parametrize("own", ["labels.csv", "breeds.csv", "train.csv", "train_labels.csv"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_label_file_of_another_name_stays_the_label_file_in_a_second_run(
    run: Run, workspace: Workspace, source: Path, tmp_path: Path, own: str, packed: bool
) -> None:
    (source / "train_answers.csv").rename(source / own)
    place = zipped(source, tmp_path / "animals.zip") if packed else source
    assert run(place)[0] == 0
    rows = [row for path in (workspace.train_labels_path, workspace.valid_labels_path) for row in read_table(path).rows]
    assert len(rows) == COUNT
    before = snapshot(tmp_path)
    assert run(place)[2].splitlines() == run()[2].splitlines() == ["already there: nothing was changed"]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("own", ["train_answers.csv", "labels.csv", "breeds.csv", "train_labels.csv"])
@pytest.mark.parametrize("stopped_at", [0, 1, 2, 3])
def test_a_run_stopped_between_two_files_is_finished_by_the_next(
    run: Run, workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch, own: str, stopped_at: int
) -> None:
    (source / "train_answers.csv").rename(source / own)
    archive = zipped(source, source.with_suffix(".zip"))
    write, written = creating_dataset.write_bytes, list[Path]()

    def stop(path: Path, data: bytes) -> None:
        if len(written) == stopped_at:
            raise KeyboardInterrupt
        written.append(path)
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(creating_dataset, "write_bytes", stop)
        code, _, stderr = run(archive)
        assert code == 130 and error_of(stderr)
    assert not workspace.competition_path.exists() and len(written) == stopped_at
    assert run(archive)[0] == 0
    stopped = without_times(snapshot(workspace.root))
    shutil.rmtree(workspace.root)
    assert run(archive)[0] == 0
    assert without_times(snapshot(workspace.root)) == stopped


def without_times(files: dict[str, str]) -> dict[str, str]:
    """The files of a workspace but for the two that hold times."""
    return {name: content for name, content in files.items() if name not in ("dataset/images.csv", "dataset/source.json")}


def test_max_samples_splits_a_stratified_subset(run: Run, workspace: Workspace, source: Path) -> None:
    assert run(source, "--max-samples", 12, "--train-size=0.5")[0] == 0
    for path in (workspace.train_labels_path, workspace.valid_labels_path):
        assert Counter(read_table(path).column("animal")) == {"0": 2, "1": 2, "2": 2}
    assert read_competition(workspace).split["max_samples"] == 12


def test_another_seed_gives_another_split_and_the_same_one_the_same_bytes(run: Run, workspace: Workspace, source: Path) -> None:
    splits = []
    for seed in (0, 1, 0):
        assert run(source, "--seed", seed, "--force")[0] == 0
        splits.append(split_of(workspace))
    assert splits[0] == splits[2] != splits[1]


def test_a_touched_or_copied_folder_is_the_same_dataset(run: Run, workspace: Workspace, source: Path) -> None:
    run(source)
    for path in source.rglob("*.png"):
        os.utime(path, ns=(7, 7))
    before = snapshot(workspace.root)
    assert run(source)[2].splitlines() == ["already there: nothing was changed"]
    assert snapshot(workspace.root) == before


# --- what is refused


@pytest.mark.parametrize("other", [["--train_size", "0.8"], ["--seed", "1"], ["--max_samples", "29"]])
def test_another_split_is_refused_and_with_force_taken(run: Run, workspace: Workspace, source: Path, other: list[str]) -> None:
    run(source)
    before = snapshot(workspace.root)
    code, _, stderr = run(source, *other)
    assert code == 4 and "train_labels.csv: exists and differs" in error_of(stderr) and "--force" in stderr
    assert snapshot(workspace.root) == before and no_temporary_files(workspace.root)
    assert run(source, *other, "--force")[0] == 0
    assert snapshot(workspace.root)["dataset/data/train_labels.csv"] != before["dataset/data/train_labels.csv"]


def test_a_new_split_of_what_is_there_needs_neither_the_archive_nor_its_name(run: Run, workspace: Workspace, source: Path) -> None:
    archive = zipped(source, source.with_suffix(".zip"))
    run(archive)
    archive.unlink()
    assert run("--train_size", "0.5", "--force")[0] == 0
    assert len(read_table(workspace.train_labels_path).rows) == COUNT / 2
    assert read_competition(workspace).source == str(archive)


def test_another_source_is_refused_and_with_force_taken(run: Run, workspace: Workspace, source: Path, tmp_path: Path) -> None:
    run(source)
    other = Path(shutil.copytree(source, tmp_path / "other"))
    before = snapshot(tmp_path)
    code, _, stderr = run(other)
    assert code == 4 and str(source) in error_of(stderr) and str(other) in stderr
    assert snapshot(tmp_path) == before
    assert run(other, "--force")[0] == 0 and read_competition(workspace).image_root == other


@pytest.mark.parametrize("train_size", ["0", "1", "1.0", "1.5", "-0.1", "nan", "abc", "inf", ""])
def test_a_train_size_outside_its_range_is_refused_at_the_flag(run: Run, workspace: Workspace, train_size: str) -> None:
    code, _, stderr = run(f"--train_size={train_size}")
    assert code == 2 and "--train_size" in error_of(stderr) and "> 0 and < 1" in stderr
    assert not workspace.root.exists()


@pytest.mark.parametrize("train_size", ["1e-9", "0.999999"])
def test_a_train_size_that_leaves_a_side_empty_is_refused(run: Run, workspace: Workspace, source: Path, train_size: str) -> None:
    code, _, stderr = run(source, "--train_size", train_size)
    assert code == 2 and "--train_size" in error_of(stderr) and "of 30 images" in stderr
    assert not workspace.train_labels_path.exists() and not workspace.competition_path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train", "0.5"], "unrecognized arguments: --train"),
        (["--seed", "-1"], "--seed: '-1': a whole number >= 0"),
        (["--max_samples", "3"], "--max_samples: '3': a whole number >= 4"),
        (["nowhere"], "source 'nowhere': no such file or folder; a source is 'digits' (embedded)"),
        (["digitz"], "did you mean digits?"),
        (["digits", "more"], "more"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_made(
    run: Run, workspace: Workspace, arguments: list[str], message: str
) -> None:
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "") and message in error_of(stderr)
    assert not workspace.root.exists()


def test_a_workspace_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert creating_dataset.main(["--workspace", str(tmp_path / "file")]) == 2
    assert "--workspace" in error_of(capsys.readouterr().err)


def test_a_download_without_credentials_makes_no_folder(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith(("KAGGLE", "XDG"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    monkeypatch.chdir(tmp_path)
    code, _, stderr = run("--download")
    assert code == 3 and "kaggle.json" in error_of(stderr)
    assert not workspace.root.exists()


LABEL_FILES = {
    "missing_col": (CLEAN.replace("animal", "label", 1), "the columns found are 'Image', 'label'; wanted 'Image' and 'animal'"),
    "no_header": (CLEAN.partition("\n")[2], "the columns found are '000', '0'; wanted 'Image' and 'animal'"),
    "semicolon": (CLEAN.replace(",", ";"), "the columns found are 'Image;animal'"),
    "header_only": ("Image,animal\n", "has a header but no rows"),
    "empty": ("", "is empty; a header line"),
    "blank_label": (CLEAN.replace(ROW, "\n005,\n"), "line 7: the label is blank; allowed are 0, 1, 2"),
    "nan_label": (CLEAN.replace(ROW, "\n005,nan\n"), "line 7: the label 'nan'; allowed are 0, 1, 2"),
    "word_label": (CLEAN.replace(ROW, "\n005,covid\n"), "line 7: the label 'covid'; allowed are 0, 1, 2"),
    "frac_label": (CLEAN.replace(ROW, "\n005,1.5\n"), "line 7: the label '1.5'; allowed are 0, 1, 2"),
    "neg_label": (CLEAN.replace(ROW, "\n005,-1\n"), "line 7: the label '-1'; allowed are 0, 1, 2"),
    "conflict": (CLEAN + "005,1\n", "line 32: the id '005' has the label '1' here and '2' at line 7"),
    "id_no_image": (CLEAN + "999,1\n", "1 ids have no image (train_images/img_{id}.png): 999"),
    "short_row": (CLEAN + "60\n", "line 32: 1 cells where the header has 2 columns"),
    "long_row": (CLEAN + "60,1,1\n", "line 32: 3 cells where the header has 2 columns"),
    "nul_byte": (CLEAN.replace(ROW, "\n005\0,2\n"), "line 7: holds a NUL byte"),
    "formula": (CLEAN + '"=HYPERLINK(""http://x"")",1\n', "line 32: the id '=HYPERLINK"),
    "one_class": (re.sub(r",\d", ",0", CLEAN), "all 30 images have the label '0'; at least two classes are needed"),
    "utf16": (CLEAN.encode("utf-16"), "line 1: byte 0xff is not UTF-8; save the file as UTF-8"),
    "cp1251": (CLEAN.replace(ROW, "\nфайл,2\n").encode("cp1251"), "line 7: byte 0xf4 is not UTF-8"),
}


@pytest.mark.parametrize("name", LABEL_FILES)
def test_a_label_file_that_cannot_be_trusted_is_refused_with_file_and_line(run: Run, workspace: Workspace, source: Path, name: str) -> None:
    text, message = LABEL_FILES[name]
    (source / "train_answers.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = snapshot(source)
    code, stdout, stderr = run(source)
    assert (code, stdout) == (2, "") and message in error_of(stderr)
    assert name == "one_class" or "train_answers.csv" in stderr
    assert snapshot(source) == before and no_temporary_files(workspace.root)
    assert not workspace.competition_path.exists() and not workspace.train_labels_path.exists()


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + CLEAN.replace("\n", "\r\n"),
        re.sub(r"(\w+),(\w+)", r'"\1","\2"', CLEAN),
        re.sub(r"(?m),(\d)$", r",\1.0", CLEAN),
        CLEAN.replace(ROW, "\n\n005,2\n\n"),
        CLEAN + "005,2\n",
    ],
    ids=["bom_crlf", "quoted", "float_labels", "blank_lines", "dup_same"],
)
def test_the_same_rows_spelled_otherwise_give_the_same_split_byte_for_byte(run: Run, workspace: Workspace, source: Path, text: str) -> None:
    assert run(source)[0] == 0
    clean = split_of(workspace)
    (source / "train_answers.csv").write_bytes(text.encode())
    code, _, stderr = run(source)
    assert code == 0 and split_of(workspace) == clean
    assert ("1 duplicate rows ignored" in stderr) == (text == CLEAN + "005,2\n")


def test_a_class_of_one_image_is_a_warning_with_its_name_and_number(run: Run, workspace: Workspace, source: Path) -> None:
    (source / "train_answers.csv").write_text(CLEAN.replace(ROW, "\n005,7\n"))
    code, _, stderr = run(source)
    assert code == 0 and "warning: 1 of 4 classes have no image held out: '7' (1 in all)" in stderr
    assert read_competition(workspace).task.classes == ("0", "1", "2", "7")


def test_copies_of_an_image_lie_on_one_side_and_are_counted(run: Run, workspace: Workspace, source: Path) -> None:
    copies = [0, *range(12, 30, 3)]
    for number in copies[1:]:
        shutil.copy(source / "train_images" / "img_000.png", source / "train_images" / f"img_{number:03d}.png")
    for seed in range(4):
        code, _, stderr = run(source, "--seed", seed, "--force", "--train_size", "0.7")
        assert code == 0 and "warning: 6 images are exact copies of others" in stderr
        fitted = set(read_table(workspace.train_labels_path).column("Image"))
        assert len({f"{number:03d}" in fitted for number in copies}) == 1


# --- images


def _png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")


def _gif() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (12, 12)).save(stream, format="GIF")
    return stream.getvalue()


BAD_IMAGES = {"empty": b"", "html": b"<html>404</html>", "bomb": _png_of(20_000, 20_000), "long": _png_of(6000, 50), "gif": _gif()}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_labelled_images_that_are_none_are_all_named_with_their_full_paths(run: Run, workspace: Workspace, source: Path, name: str) -> None:
    bad = [source / "train_images" / f"img_{number:03d}.png" for number in (7, 21)]
    for path in bad:
        path.write_bytes(BAD_IMAGES[name])
    code, _, stderr = run(source)
    assert code == 2 and "2 labelled images cannot be read" in error_of(stderr)
    assert all(str(path) in stderr for path in bad)
    assert not workspace.competition_path.exists()


def test_a_test_image_that_is_none_is_a_warning(run: Run, workspace: Workspace, source: Path) -> None:
    bad = source / "test_images" / "img_002.png"
    bad.write_bytes(b"")
    code, _, stderr = run(source)
    assert code == 0 and f"warning: 1 test images cannot be read, predict_classes will refuse them: {bad}" in stderr
    assert len([r for r in read_manifest(workspace.manifest_path) if r.part == TEST]) == 4


def test_an_image_that_changed_after_the_split_is_noticed(run: Run, workspace: Workspace, source: Path) -> None:
    run(source)
    before = snapshot(workspace.root)
    Image.new("L", (12, 12), 3).save(source / "train_images" / "img_007.png")
    code, _, stderr = run(source)
    assert code == 4 and "images.csv: exists and differs" in error_of(stderr)
    assert snapshot(workspace.root) == before
    assert run(source, "--force")[0] == 0


def test_one_image_in_color_makes_the_competition_one_in_color(run: Run, workspace: Workspace, source: Path) -> None:
    Image.new("RGB", (12, 12)).save(source / "test_images" / "img_000.png")
    assert "(in color)" in run(source)[1]
    assert read_competition(workspace).channels == 3


# --- the machine


@pytest.fixture
def as_nobody(run: Run, pristine: Path) -> AsNobody:
    """Runs the command in a child process without rights; mode bits mean nothing to root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can become another user")
    assert run(pristine)[0] == 0  # imports what the child may not be allowed to read

    def run_in_child(workspace: Path, source: Path, messages: Path) -> tuple[int, str]:
        child = os.fork()
        if child == 0:
            code = 99
            with suppress(BaseException), open(messages, "w") as sys.stderr:
                os.setgroups([]), os.setgid(65534), os.setuid(65534)
                code = creating_dataset.main(["--workspace", str(workspace), str(source)])
            os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), messages.read_text()

    return run_in_child


@pytest.fixture
def shared(pristine: Path) -> Iterator[Path]:
    """A folder that every user can reach, with the competition in `input` and a workspace that nobody may write in."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copytree(pristine, folder / "input")
    (folder / "input").chmod(0o555)
    (folder / "workspace").mkdir()
    os.chown(folder / "workspace", 65534, 65534)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_read_only_folder_is_read_in_place(as_nobody: AsNobody, shared: Path, tmp_path: Path) -> None:
    code, stderr = as_nobody(shared / "workspace", shared / "input", tmp_path / "messages")
    assert (code, stderr) == (0, "dataset written\n")
    assert read_competition(Workspace(shared / "workspace")).image_root == shared / "input"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_image_that_may_not_be_read_is_named(as_nobody: AsNobody, shared: Path, tmp_path: Path) -> None:
    bad = shared / "input" / "train_images" / "img_007.png"
    bad.chmod(0)
    code, stderr = as_nobody(shared / "workspace", shared / "input", tmp_path / "messages")
    assert (code, error_of(stderr)) == (3, f"error: {bad}: permission denied")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_workspace_that_may_not_be_written_is_named(as_nobody: AsNobody, shared: Path, tmp_path: Path) -> None:
    code, stderr = as_nobody(shared, shared / "input", tmp_path / "messages")
    assert (code, error_of(stderr)) == (3, f"error: {shared / 'dataset'}: permission denied")


def test_as_a_program(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.creating_dataset", "--workspace", str(tmp_path / "w"), str(source)]
    ended = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "dataset written\n")
    assert json.loads((tmp_path / "w" / "dataset" / "competition.json").read_text())["name"] == "animals"


@pytest.mark.parametrize("audit", [True, False])
def test_near_copies_stay_on_one_side_and_in_one_fold(run: Run, workspace: Workspace, tmp_path: Path, audit: bool) -> None:
    """Ten scenes, each four times: as it is, compressed, mirrored, smaller. Without the audit they are torn apart."""
    for i in range(40):
        picture = scene(i // 4)
        changed = [picture, compressed(picture, 60), ImageOps.mirror(picture), picture.resize((80, 64))][i % 4]
        (tmp_path / "scenes/train").mkdir(parents=True, exist_ok=True)
        changed.save(tmp_path / "scenes/train" / f"{'ab'[i // 4 % 2]}_{i}.png")
    code, stdout, _ = run(tmp_path / "scenes", "--train_size", "0.6", "--num_folds", "3", *([] if audit else ["--no_audit"]))
    assert code == 0
    assert ("40 labelled images in 10 groups of copies, each on one side" in stdout) == audit
    held_out = {int(name) // 4 for name in read_table(workspace.valid_labels_path).column("id")}
    fitted = {int(name) // 4 for name in read_table(workspace.train_labels_path).column("id")}
    folds = {(int(name) // 4, fold) for name, fold in read_table(workspace.folds_path).rows}
    assert bool(held_out & fitted) != audit
    assert (len(folds) == 10) == audit
