"""What training does for `--find_learning_rate`: a range test, its picture, and what it suggests."""

from core.files import refuse_existing
from core.processes import is_main
from core.training.plan import RunPlan
from core.workspace import Workspace
from scripts.command_line import progress_bar, say


def find_learning_rate(plan: RunPlan, workspace: Workspace) -> None:
    """Tries learning rates from the run's first weights, draws the losses and prints the suggestions; nothing of a run is written."""
    from core.evaluation.range_plot import LossByRate, draw_range_test
    from core.training.range_test import STEEPEST, TENTH, open_test, range_test

    path = workspace.range_test_path(plan.title)
    refuse_existing(path, plan.force)
    run = open_test(workspace, plan, progress_bar)
    for note in run.notes:
        say(note)
    test = range_test(run.learner, run.train, progress_bar)
    settings, marks = run.plan.optimization, test.suggestions
    size = plan.run.batch_size * settings.gradient_accumulation
    title = f"{plan.title}: learning-rate range test, {settings.optimizer}, {size} images a step, {len(run.train)} images fitted on"
    if is_main():
        draw_range_test(path, title, LossByRate(test.rates, test.losses, test.smoothed, marks), settings.loss_func)
    print(f"{plan.title}: {len(test.rates)} steps with learning rates from {test.rates[0]:.2g} to {test.rates[-1]:.2g}")
    if marks:
        print(f"  --learning_rate {marks[STEEPEST]:.2g}  where the smoothed loss falls fastest")
        print(f"  --learning_rate {marks[TENTH]:.2g}  a tenth of the rate with the lowest smoothed loss")
    else:
        print("  the loss never fell: no rate is suggested")
    print(f"picture    {path}")
