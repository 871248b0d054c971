"""A state file: plain, sealed, atomic, and refused with one line where it is anything else."""

import errno
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.errors import CommandError, EnvironmentFault, InputError, NonFiniteError, RefusedError
from core.training import sealing, states
from core.training.states import (
    KEYS,
    SCHEMA,
    check_finite,
    load_state,
    read_summary,
    refuse_non_finite,
    restore_weights,
    save_state,
    to_plain,
)
from tests.tiny_training import TinyNet, same

PLAIN = (str, int, float, bool, type(None))


def a_state(**changes):
    filled = {key: {} for key in KEYS} | {"schema": SCHEMA, "title": "tiny", "part": "holdout", "epochs": 3, "history": [], "best": None}
    filled["position"] = {"epoch": 3, "step": 0}
    return filled | {"model_state": {"w": torch.arange(6.0)}} | changes


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    path = tmp_path_factory.mktemp("sealed") / "tiny_3.pt"
    save_state(path, a_state())
    return path.read_bytes()


def refusal(path, error=InputError):
    with pytest.raises(CommandError) as caught:
        load_state(path)
    assert type(caught.value) is error, caught.value
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
    return text


def written(folder, data, name="x.pt"):
    path = folder / name
    path.write_bytes(data)
    return path


def write_unchecked(path, state):
    """What `save_state` writes, of anything."""
    with open(path, "wb") as file:
        torch.save(state, file)
    sealing.write_seal(path, {"title": "tiny", "part": "holdout", "epochs": 3, "step": 0})
    return path


def leaves(value):
    if isinstance(value, dict):
        assert all(type(key) in (str, int) for key in value)
        yield from (leaf for item in value.values() for leaf in leaves(item))
    elif isinstance(value, (list, tuple)):
        assert type(value) in (list, tuple)
        yield from (leaf for item in value for leaf in leaves(item))
    else:
        yield value


def test_a_state_comes_back_bit_for_bit_and_is_plain(tmp_path):
    model = TinyNet()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 1, 8, 8)).sum().backward()
    optimizer.step()
    state = a_state(model_state=model.state_dict(), optimizer_state=optimizer.state_dict(), wall={"seconds": np.float64(1.5)})
    path = tmp_path / "tiny_3.pt"
    save_state(path, state)
    loaded = load_state(path)
    assert same(loaded, to_plain(state))
    assert all(type(leaf) in PLAIN or type(leaf) is torch.Tensor for leaf in leaves(loaded))
    assert same(torch.load(path, weights_only=True), loaded), "torch must open it without us"
    place = {"title": "tiny", "part": "holdout", "epochs": 3, "step": 0}
    assert read_summary(path) == place | {"sha256": json.loads(zip_comment(path))["sha256"]}
    assert [p.name for p in tmp_path.iterdir()] == ["tiny_3.pt"]


def zip_comment(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.comment


def test_the_same_state_is_the_same_bytes_under_any_name(tmp_path, sealed):
    save_state(tmp_path / "other_name.pt", a_state())
    assert (tmp_path / "other_name.pt").read_bytes() == sealed


def test_a_key_that_is_missing_is_not_saved(tmp_path):
    state = a_state()
    del state["ema_state"]
    with pytest.raises(KeyError, match="ema_state"):
        save_state(tmp_path / "x.pt", state)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5), (np.float32(0.5), 0.5), (np.int64(3), 3), (np.bool_(True), True), (np.str_("a"), "a"), (True, True),
        (torch.Size([2, 3]), [2, 3]), ((1, "a"), (1, "a")), ({1: None}, {1: None}), ({None: 1}, {"None": 1}),
        (np.arange(3), torch.arange(3)), (nn.Parameter(torch.ones(2)), torch.ones(2)),
    ],
)  # fmt: skip
def test_other_types_become_plain(value, plain):
    made = to_plain(value)
    assert same(made, plain) and type(made) is type(plain)


@pytest.mark.parametrize("value", [object(), Path("x"), {"a": {1, 2}}, [b"x"], lambda: 0, 1j])
def test_what_cannot_be_plain_is_a_type_error(value):
    with pytest.raises(TypeError, match="cannot hold"):
        to_plain(value)


# --- damage


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 23])
def test_every_byte_that_is_changed_is_noticed(tmp_path, sealed, step):
    """Changed in its lowest bit, which makes the most plausible wrong values; every position in the slow tests."""
    path = tmp_path / "x.pt"
    for position in range(0, len(sealed), step):
        path.write_bytes(sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :])
        with pytest.raises(InputError):
            load_state(path)
        read_summary(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_change_or_cut_is_an_input_error(tmp_path_factory, sealed, data):
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    if data.draw(st.booleans()):
        position = data.draw(st.integers(0, len(sealed) - 1))
        changed = sealed[:position] + bytes([sealed[position] ^ data.draw(st.integers(1, 255))]) + sealed[position + 1 :]
    else:
        changed = sealed[: data.draw(st.integers(0, len(sealed) - 1))] + data.draw(st.sampled_from([b"", b"\0", b"PK\5\6"]))
    path.write_bytes(changed)
    with pytest.raises(InputError):
        load_state(path)
    read_summary(path)


def test_a_member_swapped_for_another_is_noticed(tmp_path, sealed):
    path = written(tmp_path, sealed)
    with zipfile.ZipFile(path) as archive:
        members, comment = {m: archive.read(m) for m in archive.namelist()}, archive.comment
    data = next(name for name in members if name.endswith("/data/0"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content[::-1] if name == data else content)
        archive.comment = comment
    assert "does not match its checksum" in refusal(path)


def test_a_seal_of_another_run_is_noticed(tmp_path, sealed):
    assert "checksum" in refusal(written(tmp_path, sealed.replace(b'"epochs": 3', b'"epochs": 9')))


@pytest.mark.parametrize("cut", ["zero", "one_byte", "half", "minus1", "text"])
def test_broken_files_are_input_errors(tmp_path, sealed, cut):
    data = {"zero": b"", "one_byte": sealed[:1], "half": sealed[: len(sealed) // 2], "minus1": sealed[:-1], "text": b"not a checkpoint\n"}
    text = refusal(written(tmp_path, data[cut]))
    assert "damaged" in text or "cut off" in text or "not a state" in text


class Evil:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("kind", ["zip", "zip_sealed", "raw", "protocol_4", "zip_protocol_4", "deep"])
def test_a_state_that_would_call_something_is_refused_and_nothing_runs(tmp_path, kind):
    canary, path = tmp_path / "CANARY_RAN", tmp_path / "evil.pt"
    content = {"model_state_dict": Evil(canary)}
    if kind == "zip":
        torch.save(content, path)
    elif kind == "zip_sealed":
        write_unchecked(path, a_state(optimizer_state=content))
    elif kind == "zip_protocol_4":
        torch.save(content, path, pickle_protocol=4)
    elif kind == "deep":
        torch.save(a_state(history=[[{"a": (1, content)}]]), path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=4 if kind == "protocol_4" else 2))
    text = refusal(path, RefusedError)
    assert "system" in text and "turn" not in text and "weights_only" not in text
    assert not canary.exists()


@pytest.mark.parametrize("data", [b"\x80K\2\3", b"\x80\2.", b"\x80", b"\x80\4\x95" + b"\xff" * 8 + b"."])
def test_a_broken_pickle_is_damage_and_not_an_attack(tmp_path, data):
    refusal(written(tmp_path, data))


def test_members_packed_or_larger_than_the_file_are_refused(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 1_000_000)
    assert "sizes do not fit" in refusal(path)


@pytest.mark.parametrize("schema", [999, SCHEMA + 1])
def test_a_newer_schema_says_so(tmp_path, schema):
    text = refusal(write_unchecked(tmp_path / "x.pt", a_state(schema=schema)))
    assert "newer version" in text and str(schema) in text


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_key_is_named(tmp_path, key):
    state = a_state()
    del state[key]
    assert f"{key!r} is missing" in refusal(write_unchecked(tmp_path / "x.pt", state))


@pytest.mark.parametrize(("key", "value"), [("settings", []), ("model_state", "x"), ("epochs", "3"), ("history", {}), ("title", 1)])
def test_a_key_of_another_type_is_named(tmp_path, key, value):
    text = refusal(write_unchecked(tmp_path / "x.pt", a_state(**{key: value})))
    assert repr(key) in text and type(value).__name__ in text


@pytest.mark.parametrize("content", [[1, 2], "text", 5, {"epoch": 1, "model_state_dict": {"w": torch.ones(2)}, "optimizer_state_dict": {}}])
def test_what_others_saved_is_no_state(tmp_path, content):
    plain = tmp_path / "seed.pt"
    torch.save(content, plain)
    assert "no state of this project" in refusal(plain)
    assert "no state of this project" in refusal(write_unchecked(tmp_path / "sealed.pt", content))
    assert read_summary(plain) is None


def test_a_missing_file_and_a_folder(tmp_path):
    assert "no such state" in refusal(tmp_path / "none.pt")
    (tmp_path / "folder.pt").mkdir()
    refusal(tmp_path / "folder.pt", EnvironmentFault)
    assert read_summary(tmp_path / "none.pt") is None and read_summary(tmp_path / "folder.pt") is None


@pytest.mark.parametrize(
    "comment", [b"", b"x" * 65535, b"[" * 60000, b'{"title": 1, "part": "holdout", "epochs": 3, "sha256": "0"}', b"null"]
)
def test_a_zip_with_another_comment_has_no_summary(tmp_path, comment):
    path = tmp_path / "x.pt"
    torch.save({}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment
    assert read_summary(path) is None
    refusal(path)


# --- weights


def test_weights_with_nan_are_refused(tmp_path):
    for bad in (float("nan"), float("inf"), -float("inf")):
        weights = {"a": torch.ones(2), "n": torch.tensor([1]), "b": torch.tensor([1.0, bad])}
        with pytest.raises(InputError, match=r"x\.pt: the weights hold NaN or infinity \(b\)"):
            check_finite(Path("x.pt"), weights)
        with pytest.raises(NonFiniteError, match=r"epoch 4: the weights hold NaN or infinity \(b\)"):
            refuse_non_finite(4, weights, {})
        with pytest.raises(NonFiniteError, match=r"moments hold NaN or infinity \(state\.0\.exp_avg\)"):
            refuse_non_finite(4, {}, {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.tensor([bad])}}})
    refuse_non_finite(1, {"a": torch.ones(2), "n": torch.tensor([1])}, {"state": {}, "param_groups": [{"lr": 0.1}]})


def a_change_of(model, how):
    weights = {name: tensor + 1 for name, tensor in model.state_dict().items()}
    first = "features.0.weight"
    if how == "missing":
        del weights[first]
    elif how == "extra":
        weights["features.9.weight"] = torch.ones(2, 5)
    elif how == "shape":
        weights[first] = torch.ones(6, 3, 3, 3)
    elif how == "scalar":
        weights["features.1.num_batches_tracked"] = torch.ones(2)
    else:
        weights = {f"module.{name}": tensor for name, tensor in weights.items()}
    return weights


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("missing", ["features.0.weight is missing in the state, (6, 1, 3, 3) in the model"]),
        ("extra", ["features.9.weight is (2, 5) in the state, missing in the model"]),
        ("shape", ["features.0.weight is (6, 3, 3, 3) in the state, (6, 1, 3, 3) in the model"]),
        ("scalar", ["num_batches_tracked is (2,) in the state, () in the model"]),
        ("prefix", ["features.0.weight is missing in the state"]),
    ],
)
def test_weights_of_another_model_change_nothing(how, words):
    model = TinyNet()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(InputError) as caught:
        restore_weights(Path("x.pt"), model, a_change_of(model, how))
    assert all(word in str(caught.value) for word in ["x.pt: does not fit the model", *words])
    assert same(dict(model.state_dict()), before)


def test_weights_that_fit_are_taken():
    model, other = TinyNet(), TinyNet()
    restore_weights(Path("x.pt"), model, other.state_dict())
    assert same(dict(model.state_dict()), dict(other.state_dict()))


def test_lazy_layers_take_the_shapes_of_the_state():
    lazy, other = nn.LazyLinear(2), nn.Linear(5, 2)
    restore_weights(Path("x.pt"), lazy, other.state_dict())
    assert same(dict(lazy.state_dict()), dict(other.state_dict()))
    with pytest.raises(InputError, match="weight is missing in the state, of any shape in the model"):
        restore_weights(Path("x.pt"), nn.LazyLinear(2), {"bias": torch.ones(2)})


# --- writing


def out_of_space(error):
    def save(content, file):
        file.write(b"x" * 1000)
        raise error

    return save


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 72192 vs 72080"),
    ],
)
def test_a_full_disk_leaves_the_old_state_and_nothing_else(tmp_path, sealed, monkeypatch, error):
    path = written(tmp_path, sealed, "tiny_last.pt")
    monkeypatch.setattr(torch, "save", out_of_space(error))
    with pytest.raises(EnvironmentFault) as caught:
        save_state(path, a_state(epochs=4))
    assert str(path) in str(caught.value) and "no space left" in str(caught.value)
    assert path.read_bytes() == sealed and [p.name for p in tmp_path.iterdir()] == ["tiny_last.pt"]


def test_a_seal_that_cannot_be_written_leaves_the_old_state(tmp_path, sealed, monkeypatch):
    path = written(tmp_path, sealed)

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(states, "write_seal", fail)
    with pytest.raises(EnvironmentFault, match="Input/output error"):
        save_state(path, a_state(epochs=4))
    assert path.read_bytes() == sealed and len(list(tmp_path.iterdir())) == 1


def test_too_little_space_is_told_before_writing(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(EnvironmentFault, match=r"24 bytes are needed and 10 are free"):
        save_state(tmp_path / "x.pt", a_state())
    assert not list(tmp_path.iterdir())


SAVE_UNDER_A_LIMIT = """
import resource, sys, torch
from pathlib import Path
from core.errors import EnvironmentFault
from core.training.states import save_state
from tests.test_states import a_state
path = Path(sys.argv[1])
save_state(path, a_state())
before = path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save_state(path, a_state(model_state={"w": torch.ones(50_000)}))
except EnvironmentFault as error:
    print(error)
assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1
"""


def test_a_file_size_limit_is_told_in_words(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SAVE_UNDER_A_LIMIT, str(tmp_path / "x.pt")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert "x.pt: the file size limit is too low" in done.stdout
    assert "unexpected pos" not in done.stdout


@pytest.mark.parametrize("where", ["check_seal", "unpickle"])
def test_a_state_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch, where):
    path, plain, calls = tmp_path / "x.pt", getattr(states, where), []
    save_state(path, a_state(epochs=1))

    def replaced_before(file):
        calls.append(file)
        if len(calls) == 1:
            save_state(path, a_state(epochs=2))
        return plain(file)

    monkeypatch.setattr(states, where, replaced_before)
    assert load_state(path)["epochs"] == 2 and len(calls) == 2


def test_a_state_that_is_damaged_while_it_is_read_is_told(tmp_path, monkeypatch):
    path, plain = tmp_path / "x.pt", states.check_seal
    save_state(path, a_state())

    def cut_before(file):
        path.write_bytes(path.read_bytes()[:-1])
        return plain(file)

    monkeypatch.setattr(states, "check_seal", cut_before)
    with pytest.raises(InputError):
        load_state(path)
