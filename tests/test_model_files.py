"""Model files: whose line an error names, and that loading leaves no traces."""

import os
import py_compile
import sys
from pathlib import Path

import pytest

from core.errors import Terminated
from core.modeling.loading import find_model_class
from core.modeling.model_files import errors_in
from tests.model_texts import HEADER, build, net, refusal, write


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("x = 1\nclass Net(:\n", 2, "SyntaxError"),
        ("\n\nraise RuntimeError('boom\\nat import')\n", 3, "RuntimeError: boom at import"),
        ("import torch\nimport nowhere_to_be_found\n", 2, "ModuleNotFoundError"),
        ("import sys\nsys.exit(0)\n", 2, "SystemExit"),
        (HEADER + net().replace("nn.Conv2d", "nn.Conv9d"), 5, "AttributeError"),
        (HEADER + net().replace("self.c(x)", "self.c(x + undefined)"), 7, "NameError"),
    ],
)
def test_an_error_in_the_file_names_its_line(tmp_path: Path, text: str, line: int, expected: str) -> None:
    path = write(tmp_path, text)
    message = refusal(path)
    assert f"{path}, line {line}: " in message and expected in message


def test_an_error_in_a_file_beside_it_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "def broken(:\n", "blocks_beside.py")
    message = refusal(write(tmp_path, "import blocks_beside\n" + HEADER + net()))
    assert f"{tmp_path / 'blocks_beside.py'}, line 1: SyntaxError" in message


def test_an_error_while_code_of_a_file_beside_it_runs_names_that_line(tmp_path: Path) -> None:
    write(tmp_path, "import torch\n\n\ndef mix(x):\n    return torch.cat([x, undefined])\n", "blocks/mixing.py")
    text = "from blocks.mixing import mix\n" + HEADER + net().replace("self.c(x)", "mix(self.c(x))")
    path = write(tmp_path, text)
    assert f"{path}: {tmp_path / 'blocks/mixing.py'}, line 5: NameError" in refusal(path)
    assert "blocks" not in sys.modules  # a package without an `__init__.py`


def test_a_line_of_an_environment_below_the_folder_is_not_named(tmp_path: Path) -> None:
    write(tmp_path, "def mix(x):\n    raise KeyError(1)\n", "env/lib/site-packages/mixing_elsewhere.py")
    text = f"import sys\nsys.path.append({str(tmp_path / 'env/lib/site-packages')!r})\nfrom mixing_elsewhere import mix\n" + HEADER
    path = write(tmp_path, text + net().replace("self.c(x)", "mix(self.c(x))"))
    assert f"{path}, line 10: " in refusal(path)


def test_wrong_paths(tmp_path: Path) -> None:
    assert "no such model file" in refusal(tmp_path / "missing.py")
    assert "is a folder" in refusal(tmp_path)
    assert "not a Python file" in refusal(write(tmp_path, "x", "net.txt"))


def test_each_folder_has_its_own_helpers_and_models(tmp_path: Path) -> None:
    for number, folder in enumerate(("one/models", "two/models"), start=4):
        write(tmp_path / folder, f"WIDTH = {number}\n", "blocks.py")
        write(tmp_path / folder, f"DEPTH = {number}\n", "other.py")
        text = "import blocks\nfrom models.other import DEPTH\nfrom .blocks import WIDTH\nfrom models._layers import ConvBlock\n" + HEADER
        path = write(tmp_path / folder, text + net() + "    sizes = (blocks.WIDTH, DEPTH, WIDTH)\n")
        assert find_model_class(path).sizes == (number,) * 3  # type: ignore[attr-defined]


def test_loading_leaves_the_import_system_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 1\n", "blocks.py")
    path = write(tmp_path, "import blocks\nimport models.vgg16\n" + HEADER + net())
    kept_path, kept_flag = list(sys.path), sys.dont_write_bytecode
    kept_models = {name: module for name, module in sys.modules.items() if name.startswith("models")}
    build(path)
    assert (sys.path, sys.dont_write_bytecode) == (kept_path, kept_flag) and "blocks" not in sys.modules
    assert {n: m for n, m in sys.modules.items() if n == "models" or n.startswith("models.")} == {
        n: m for n, m in kept_models.items() if n == "models" or n.startswith("models.")
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocks.py", "net.py"]


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 1\n", "blocks.py")
    path = write(tmp_path, "from .blocks import WIDTH\n" + HEADER + net("Alpha") + "    width = WIDTH\n")
    py_compile.compile(str(path))
    then = path.stat()
    assert find_model_class(path).width == 1  # type: ignore[attr-defined]
    write(tmp_path, "WIDTH = 2222\n", "blocks.py")
    path.write_text(path.read_text().replace("Alpha", "Gamma"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    found = find_model_class(path)
    assert (found.__name__, found.width) == ("Gamma", 2222)  # type: ignore[attr-defined]


def test_a_signal_is_no_fault_of_the_file():
    with pytest.raises(Terminated), errors_in(Path("a.py")):
        raise Terminated(143)
