"""What a run is asked to do: ranges, titles, and which settings a run may go on with."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.settings import AugmentationSettings, PreprocessingSettings
from core.errors import InputError
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task
from core.training.plan import RunPlan, parse_duration, that_matter
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings

GROUPS = {
    "run": RunSettings,
    "optimization": OptimizationSettings,
    "preprocessing": PreprocessingSettings,
    "augmentation": AugmentationSettings,
}
FREE = {
    *("model_title", "model_class", "num_epochs", "save_graph", "save_state", "period_save_weights", "period_save_steps", "keep_states"),
    *("logging_iters_train", "logging_iters_valid", "early_stopping", "schedule_epochs", "auto_batch_size"),
}
NOT_KEPT = {"load_state", "resume", "predict", "time_limit", "folds"}


def plan(path="models/simple_cnn.py", **changes):
    made = RunPlan(Path(path), RunSettings(), OptimizationSettings(), PreprocessingSettings(), AugmentationSettings(), RuntimeSettings())
    for f in fields(made):
        group = getattr(made, f.name)
        mine = {name: value for name, value in changes.items() if hasattr(group, name) and f.name not in ("model_path", "force")}
        if mine:
            made = replace(made, **{f.name: replace(group, **mine)})
    return made


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_title_is_the_files_stem_unless_given():
    assert plan("models/vgg19.py").title == "vgg19"
    assert plan(model_title="x").title == "x"
    plan().check()


@pytest.mark.parametrize(
    "title",
    [
        "../x",
        "a/b",
        "",
        "-x",
        "x" * 300,
        "a\nb",
        "a b",
        ".x",
        "x_best",
        "x_last",
        "x_fold3",
        "x.oof",
        "x.probabilities",
        "é",
        "a\0b",
        "x.tmp-1",
        ".",
        "..",
    ],
)
def test_titles_that_cannot_name_a_run(title):
    assert "--model_title" in refusal(plan(model_title=title).check)


@pytest.mark.parametrize("title", ["a", "vgg19", "x_best2", "best", "a.b", "A-1+2_c", "x" * 100, "fold1"])
def test_titles_that_can(title):
    plan(model_title=title).check()


@given(st.text(max_size=20))
def test_a_title_that_passes_is_a_plain_file_name(title):
    try:
        plan(model_title=title).check()
    except InputError:
        return
    assert Path(title).name == title and title.isascii() and title.isprintable() and not title.startswith((".", "-"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_epochs", 0), ("batch_size", -5), ("learning_rate", 0.0), ("learning_rate", float("nan")), ("learning_rate", float("inf")),
        ("momentum", 1.0), ("metric", "f2"), ("resize", 0), ("horflip", 2.0), ("brightness", -1.0), ("rotate", float("nan")), ("seed", -1),
    ],
)  # fmt: skip
def test_values_out_of_range_name_the_flag(name, value):
    assert f"--{name} {value}" in refusal(plan(**{name: value}).check)


def test_contradicting_devices_are_noticed_before_torch_is_needed():
    assert "--use_gpu" in refusal(plan(device="cpu", use_gpu=True).check)


def another(value):
    """A value of the same kind that differs."""
    if isinstance(value, bool) or value is None:
        return not value
    return value + 1 if isinstance(value, (int, float)) else f"{value}x"


@pytest.mark.parametrize(("group", "name"), [(g, f.name) for g, cls in GROUPS.items() for f in fields(cls) if f.name not in NOT_KEPT])
def test_each_setting_is_free_or_must_be_the_states(group, name):
    mine = plan()
    stored = mine.to_plain()
    stored[group][name] = another(stored[group][name])
    if name in FREE:
        mine.check_same(stored, "x_last.pt")
        return
    text = refusal(mine.check_same, stored, "x_last.pt")
    assert f"--{name} " in text and "x_last.pt" in text and str(stored[group][name]) in text


def test_a_mask_folder_may_move_but_not_come_or_go():
    stored = plan(mask="here").to_plain()
    plan(mask="there").check_same(stored, "x")
    assert "--mask None" in refusal(plan().check_same, stored, "x")
    assert "--mask here" in refusal(plan(mask="here").check_same, plan().to_plain(), "x")


def test_the_plain_form_holds_no_machine_settings():
    assert set(plan().to_plain()) == set(GROUPS)
    assert not NOT_KEPT & set(plan().to_plain()["run"]), "how a process began says nothing of the run"


def test_augmentation_that_makes_no_sense_is_refused():
    for wrong in (100, 513):
        assert f"--store_size {wrong}: must be from --resize 128 to four times that" in refusal(plan(resize=128, store_size=wrong).check)
    plan(resize=128, store_size=128).check()
    plan(resize=128, store_size=512).check()
    assert "--trivialaugment and --randaugment" in refusal(plan(trivialaugment=True, randaugment=9).check)
    for name in ("mixup", "cutmix"):
        assert f"--{name}: MultiMarginLoss" in refusal(plan(loss_func="MultiMarginLoss", **{name: 0.2}).check)
    plan(loss_func="NLLLoss", mixup=0.2, cutmix=1.0).check()


def test_a_state_older_than_a_setting_was_made_with_its_default():
    settings = plan().to_plain()
    del settings["augmentation"]["vertflip"]
    plan().check_same(settings, "a.pt")
    assert "--vertflip 0.5: a.pt was trained with 0" in refusal(plan(vertflip=0.5).check_same, settings, "a.pt")


@given(st.integers(8, 4096), st.floats(0, 1), st.floats(0, 0.9))
def test_augmentation_starts_from_larger_images_where_it_zooms(side, crop, scale):
    chosen = AugmentationSettings(random_resized_crop=crop, scale=scale)
    assert chosen.source_side(side) == (-(-5 * side // 4) if crop or scale else side)
    assert AugmentationSettings(random_resized_crop=crop, store_size=5000).source_side(side) == 5000


def test_a_loss_and_its_options_are_checked_with_the_flags():
    assert "--loss_func KLDivLoss: " in refusal(plan(loss_func="KLDivLoss").check)
    assert "--label_smoothing 0.1: " in refusal(plan(loss_func="MultiMarginLoss", label_smoothing=0.1).check)
    assert "--label_smoothing nan: " in refusal(plan(label_smoothing=float("nan")).check)
    plan(loss_func="FocalLoss", label_smoothing=0.1, class_weights="auto", focal_gamma=0.0, mixup=0.4).check()


# --- the schedule's end


@pytest.mark.parametrize(
    ("stored", "mine", "words"),
    [
        ({"num_epochs": 6}, {"num_epochs": 6}, None),
        ({"num_epochs": 3, "schedule_epochs": 6}, {"num_epochs": 6}, None),
        ({"num_epochs": 6}, {"num_epochs": 3, "schedule_epochs": 6}, None),
        ({"num_epochs": 6}, {"num_epochs": 3}, "--num_epochs 3: the schedule of a.pt ends with epoch 6"),
        ({"num_epochs": 3}, {"num_epochs": 6}, "--num_epochs 6: the schedule of a.pt ends with epoch 3"),
        ({"num_epochs": 3, "schedule_epochs": 6}, {"num_epochs": 3, "schedule_epochs": 7}, "--schedule_epochs 7: the schedule of a.pt"),
    ],
)
def test_a_schedule_that_has_an_end_keeps_it(stored, mine, words):
    stored = plan(scheduler="cosine", **stored).to_plain()
    if words is None:
        plan(scheduler="cosine", **mine).check_same(stored, "a.pt")
        return
    text = refusal(plan(scheduler="cosine", **mine).check_same, stored, "a.pt")
    known = stored["optimization"]["schedule_epochs"] or stored["run"]["num_epochs"]
    advice = f"go on with --schedule_epochs {known}" if mine["num_epochs"] <= known else "begin a new run"
    assert words in text and advice in text
    plan(scheduler="cosine", num_epochs=min(mine["num_epochs"], known), schedule_epochs=known).check()


def test_a_schedule_without_an_end_may_be_trained_with_for_longer():
    stored = plan(scheduler="StepLR", scheduler_args="step_size=2").to_plain()
    plan(scheduler="StepLR", scheduler_args="step_size=2", num_epochs=50).check_same(stored, "a.pt")


# --- durations

parts = st.integers(0, 100_000)


@given(parts, parts, parts)
def test_a_duration_is_the_sum_of_its_parts(hours, minutes, seconds):
    total = 3600 * hours + 60 * minutes + seconds
    texts = [f"{hours}h{minutes}m{seconds}s", f" {hours}H{minutes:03}M{seconds}S "]
    texts += [f"{hours}h{seconds}s"] if not minutes else []
    texts += [f"{minutes}m", f"{60 * minutes}s", str(60 * minutes)] if not hours and not seconds else []
    for text in texts:
        if 0 < total <= 366 * 24 * 3600:
            assert parse_duration(text) == total
        else:
            assert "--time_limit" in refusal(parse_duration, text)


@given(st.text(alphabet="0123456789hms -+.:e\u0661", max_size=12))
def test_any_text_is_a_duration_or_refused_in_one_line(text):
    try:
        assert 0 < parse_duration(text) <= 366 * 24 * 3600
    except InputError as error:
        assert str(error) == f"--time_limit {text}: a duration such as 8h30m, 90m or 45s is wanted"


@pytest.mark.parametrize(
    ("text", "seconds"), [("8h30m", 30600), ("90m", 5400), ("45s", 45), ("45", 45), ("1h1s", 3601), ("8784h", 31622400)]
)
def test_durations_by_hand(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0h0m0s", "h", "8h30", "30m8h", "1d", "1.5h", "-1s", "8785h", "1 h", "9" * 5000, "\u0661h"])
def test_what_is_no_duration(text):
    """8h30 would be eight hours and thirty seconds to a machine, and thirty minutes to a person."""
    assert f"--time_limit {text}: " in refusal(parse_duration, text)


def test_predictions_belong_to_a_time_limit():
    assert plan(time_limit="1h").predicts and plan(predict=True).predicts and not plan().predicts
    assert "--time_limit x: " in refusal(plan(time_limit="x").check)


@pytest.mark.parametrize(
    ("kind", "loss", "metric"),
    [
        (SINGLE_LABEL, "CrossEntropyLoss", "macro_f1"), (BINARY, "CrossEntropyLoss", "roc_auc"),
        (ORDINAL, "CrossEntropyLoss", "quadratic_kappa"), (MULTI_LABEL, "BCEWithLogitsLoss", "roc_auc"), (REGRESSION, "MSELoss", "rmse"),
    ],
)  # fmt: skip
def test_auto_is_the_task_s_own_and_what_was_typed_stays(kind, loss, metric):
    task = Task(() if kind == REGRESSION else ("a", "b"), kind)
    made = plan().for_task(task)
    assert (made.optimization.loss_func, made.run.metric) == (loss, metric) and made.for_task(task) == made
    made.check_same(made.to_plain(), "a state")
    typed = plan(loss_func=loss, metric=metric)
    assert typed.for_task(task) == made and typed.for_task(task) == typed


def test_a_setting_that_a_state_is_too_old_for_is_what_it_was_then():
    settings = plan().for_task(Task(("a", "b"))).to_plain()
    del settings["run"]["metric"], settings["run"]["oof_from"]
    plan().for_task(Task(("a", "b"))).check_same(settings, "net_last.pt")
    assert "--metric accuracy: net_last.pt was trained with macro_f1" in refusal(
        plan(metric="accuracy").check_same, settings, "net_last.pt"
    )


def test_settings_that_matter_are_those_that_may_not_change():
    settings = {"seed": 3, "num_epochs": 5, "mask": "somewhere", "save_graph": True}
    assert that_matter(settings) == {"seed": 3, "mask": True}
