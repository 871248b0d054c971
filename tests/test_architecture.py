"""The house rules of ARCHITECTURE.md, held over every file that exists: imports, sizes, names, risky calls, what git tracks."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools import Distribution
from setuptools.config.pyprojecttoml import apply_configuration

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES, MAX_BODY_LINES, MAX_PARAMETERS, MAX_TRACKED_BYTES = 220, 40, 6, 1_000_000

# "path" or "path:function" -> why it may be larger; the reason also stands in ARCHITECTURE.md.
SIZE_EXCEPTIONS: dict[str, str] = {}

HEAVY = (
    "torch",
    "torchvision",
    "sklearn",
    "scipy",
    "matplotlib",
    "pandas",
    "accelerate",
    "safetensors",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pydicom",
    "py7zr",
)
LIGHT = [
    "core.errors",
    "core.files",
    "core.settings",
    "core.workspace",
    "core.tables",
    "core.progress",
    "core.task",
    "core.evaluation.thresholds",
    "core.data.competition",
    "core.data.splits",
    "core.data.sources",
    "core.data.settings",
    "core.modeling.settings",
    "core.training.settings",
    "core.prediction.settings",
    "core.prediction.predictions",
    "core.submission.template",
]

FORBIDDEN_TEXT = re.compile(
    r"MAX_IMAGE_PIXELS\s*=\s*None|LOAD_TRUNCATED_IMAGES\s*=\s*True|sys\.path\.(append|insert)|filterwarnings\(\s*.ignore"
)
SECRETS = re.compile(
    rb"""KGAT_[0-9a-f]{16}|["']?key["']?\s*[:=]\s*["'][0-9a-f]{32}["']|KAGGLE_(KEY|API_TOKEN)\s*[=:]\s*["']?[0-9A-Za-z_]{20}"""
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY|gh[pousr]_[0-9A-Za-z]{36}|hf_[0-9A-Za-z]{34}|AKIA[0-9A-Z]{16}"
)
NEVER_TRACKED = re.compile(
    r"(^|/)(kaggle\.json|\.env|__pycache__/.*)$|\.(pt|pth|pyc|db|sqlite|npy|npz|pkl|zip|h5|ckpt|safetensors)$|\.tmp-"
)
MACHINE_FOLDERS = [re.escape(str(path)) for path in (ROOT, Path.home()) if len(path.parts) > 1] + [r"/home/\w+", r"/Users/\w+"]
PATH_OF_A_MACHINE = re.compile(rf"(?<![\w.])({'|'.join(MACHINE_FOLDERS)})/\w".encode())


def sources(*folders: str) -> list[str]:
    """The Python files under some folders, relative to the root of the project."""
    return sorted(path.relative_to(ROOT).as_posix() for folder in folders for path in (ROOT / folder).rglob("*.py"))


SHIPPED = sources("core", "scripts", "models")
over_shipped = pytest.mark.parametrize("path", SHIPPED)


def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of a function's parameters without self and cls."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    return names + [a.arg for a in function.args.kwonlyargs]


def risky_calls(tree: ast.Module) -> list[str]:
    """Calls that run data as a program, undo a safeguard, or start a shell; each as `line: what`."""
    return [f"{node.lineno}: {fault}" for node in ast.walk(tree) if isinstance(node, ast.Call) and (fault := _risk_of(node))]


def _risk_of(call: ast.Call) -> str | None:
    name = ast.unparse(call.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if name in ("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput", "runpy.run_path"):
        return f"{name}("
    if re.search(r"(^|\.)(c?pickle|dill|joblib|marshal|shelve|cloudpickle)\.(loads?|open|Unpickler)$", name, re.IGNORECASE):
        return f"{name}("
    if re.search(r"(^|\.)extractall$|(^|\.)unpack_archive$", name):
        return f"{name}("
    if name.endswith("torch.load") and given.get("weights_only") != "True":
        return "torch.load( without weights_only=True"
    for flag, value in (("weights_only", "False"), ("allow_pickle", "True"), ("shell", "True")):
        if given.get(flag) == value:
            return f"{flag}={value}"
    return None


def imported(tree: ast.Module) -> set[str]:
    """The first part of every module that is imported anywhere in a file."""
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}}


def tracked_files() -> list[str]:
    """What git tracks, as far as it exists; outside a checkout (an unpacked archive of the sources) there is nothing to look at."""
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if (ROOT / name).is_file()]


# --- imports ---


def test_import_contracts_hold() -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", program, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_light_modules_leave_heavy_libraries_alone() -> None:
    rooms = sources("core/ensembling", "core/submission", "core/tracking", "scripts")
    packages = [path for path in SHIPPED if path.endswith("__init__.py")]
    names = [name for name in LIGHT if (ROOT / (name.replace(".", "/") + ".py")).is_file()]
    names += [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in (*packages, *rooms)]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        f"    found = [heavy for heavy in {HEAVY} if heavy in sys.modules]\n"
        "    if found: sys.exit(f'{name} imports {found}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", sources("core"))
def test_core_neither_parses_arguments_nor_prints(path: str) -> None:
    tree = tree_of(path)
    prints = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "input")]
    assert "argparse" not in imported(tree)
    assert not prints


# --- sizes and names ---


@over_shipped
def test_sizes_keep_the_room_livable(path: str) -> None:
    faults = []
    lines = len((ROOT / path).read_text("utf-8").splitlines())
    if lines > MAX_FILE_LINES and path not in SIZE_EXCEPTIONS:
        faults.append(f"{path} has {lines} lines")
    for function in functions(tree_of(path)):
        if f"{path}:{function.name}" in SIZE_EXCEPTIONS:
            continue
        if body_lines(function) > MAX_BODY_LINES:
            faults.append(f"{function.name} has a body of {body_lines(function)} lines")
        if len(parameters(function)) > MAX_PARAMETERS:
            faults.append(f"{function.name} takes {len(parameters(function))} parameters")
    assert faults == []


def test_each_size_exception_names_something_and_is_explained() -> None:
    explained = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for place, reason in SIZE_EXCEPTIONS.items():
        path, _, name = place.partition(":")
        assert reason and place in explained
        assert not name or name in {function.name for function in functions(tree_of(path))}


def test_no_room_without_a_name() -> None:
    parts = {part for path in sources("core", "scripts", "models", "benchmarks", "tests") for part in Path(path).with_suffix("").parts}
    assert not parts & {"utils", "util", "helpers", "helper", "common", "misc"}


@pytest.mark.parametrize("path", sources("core"))
def test_public_functions_say_what_they_are_for(path: str) -> None:
    tree = tree_of(path)
    public = [f for f in tree.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) and not f.name.startswith("_")]
    assert ast.get_docstring(tree)
    assert [f.name for f in public if not ast.get_docstring(f)] == []


@pytest.mark.parametrize("path", [path for path in sources("core") if not path.endswith("__init__.py")])
def test_every_core_module_has_its_test_file(path: str) -> None:
    assert f"test_{Path(path).name}" in {path.name for path in (ROOT / "tests").rglob("test_*.py")}


# --- risky source ---


@pytest.mark.parametrize("path", sources("core", "scripts", "models", "benchmarks"))
def test_nothing_is_executed_from_data(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert risky_calls(ast.parse(text)) == []
    assert [match.group() for match in FORBIDDEN_TEXT.finditer(text)] == []


def test_one_place_alone_runs_a_model_file() -> None:
    calls = {
        path: [
            node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute) and node.attr in ("exec_module", "load_module")
        ]
        for path in sources("core", "scripts", "models", "benchmarks")
    }
    assert {path: names for path, names in calls.items() if names} == {"core/modeling/model_files.py": ["exec_module"]}


@pytest.mark.parametrize(
    "call",
    [
        "eval(x)",
        "exec(x)",
        "pickle.load(f)",
        "pickle.loads(b)",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "z.extractall(p)",
        "subprocess.run(c, shell=True)",
        "os.system(c)",
    ],
)
def test_the_gate_finds_each_risky_call(call: str) -> None:
    assert risky_calls(ast.parse(call))


@pytest.mark.parametrize(
    "call", ["model.eval()", "torch.load(f, weights_only=True)", "np.load(f, mmap_mode='r')", "re.compile(x)", "json.load(f)"]
)
def test_the_gate_lets_harmless_calls_pass(call: str) -> None:
    assert not risky_calls(ast.parse(call))


@pytest.mark.parametrize(
    "line",
    ["Image.MAX_IMAGE_PIXELS = None", "ImageFile.LOAD_TRUNCATED_IMAGES = True", "warnings.filterwarnings('ignore')", "sys.path.append(x)"],
)
def test_the_gate_finds_each_safeguard_undone(line: str) -> None:
    assert FORBIDDEN_TEXT.search(line)


# --- what git tracks ---


def test_only_small_sources_are_tracked() -> None:
    names = tracked_files()
    assert [name for name in names if (ROOT / name).stat().st_size > MAX_TRACKED_BYTES] == []
    assert [name for name in names if NEVER_TRACKED.search(name)] == []


def test_no_secret_and_no_path_of_a_machine_is_tracked() -> None:
    faults = []
    for name in tracked_files():
        data = (ROOT / name).read_bytes()
        found = [match.group() for pattern in (SECRETS, PATH_OF_A_MACHINE) for match in pattern.finditer(data)]
        if found and not name.endswith((".png", ".jpg")):
            faults.append((name, found[:3]))
    assert faults == []


def test_what_is_made_is_ignored() -> None:
    tracked_files()
    made = [
        "dataset/competition.json",
        "model_states/a_last.pt",
        "graphs/a.png",
        "outputs/a.csv",
        ".venv/x",
        "kaggle.json",
        "LICENSE.tmp-1",
    ]
    done = subprocess.run(["git", "-C", str(ROOT), "check-ignore", *made], capture_output=True, text=True, check=False)
    assert done.stdout.split() == made


@pytest.mark.parametrize(
    "text",
    [
        b'{"username": "nobody", "key": "' + b"0a" * 16 + b'"}',
        b"KAGGLE_KEY=" + b"0a" * 16,
        b"KGAT_" + b"0a" * 16,
        b"-----BEGIN" + b" RSA PRIVATE KEY",
    ],
)
def test_the_scan_finds_each_kind_of_secret(text: bytes) -> None:
    assert SECRETS.search(text)


def test_the_commands_of_the_makefile_are_the_documented_ones() -> None:
    made = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test", "test-all", "lint", "setup", "help"} <= set(made)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    constraints = (ROOT / "constraints.txt").read_text("utf-8")
    assert "torch==2.13.0" not in constraints
    assert not re.search(r"file:|@ |^-e ", constraints, re.MULTILINE)


def test_setuptools_can_read_the_extras() -> None:
    """`-r` in a file that pyproject.toml names would break every `pip install .`."""
    distribution = apply_configuration(Distribution(), str(ROOT / "pyproject.toml"))
    extras = {name: [line.partition(">")[0] for line in lines] for name, lines in distribution.extras_require.items()}
    assert extras["export"] == ["onnx", "onnxscript", "onnxruntime"]
    assert extras["7z"] == ["py7zr"]
    assert extras["dicom"] == ["pydicom", "pylibjpeg", "pylibjpeg-openjpeg"]
