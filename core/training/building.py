"""What trains, put together from a plan: batches, optimizer, schedule, averaged weights; all on the device."""

from typing import TYPE_CHECKING

from core.data.batches import BatchMaker
from core.data.normalization import Normalization
from core.data.sampling import Division, batch_bounds
from core.metrics import METRICS
from core.modeling.backbone import find_backbone
from core.training.criterion import Criterion
from core.training.ema import Ema
from core.training.learner import Learner, Rule
from core.training.optimization import build_optimizer
from core.training.plan import RunPlan
from core.training.runtime import compile_model
from core.training.schedules import Horizon, build_schedule

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import nn


def build_batch_maker(plan: RunPlan, normalization: Normalization, device: "torch.device", num_classes: int) -> BatchMaker:
    """The maker of this process's batches."""
    return BatchMaker(
        plan.augmentation,
        normalization,
        plan.run.batch_size,
        plan.run.seed,
        device,
        plan.preprocessing.resize,
        num_classes,
        plan.optimization.sampler == "balanced",
        Division.of_this_process(plan.optimization.gradient_accumulation),
    )


def horizon_of(plan: RunPlan, num_images: int) -> Horizon:
    """What the schedule of a run over `num_images` training images is stretched over."""
    steps = len(batch_bounds(num_images, plan.run.batch_size * plan.optimization.gradient_accumulation))
    return Horizon(plan.optimization.schedule_epochs or plan.run.num_epochs, steps, METRICS[plan.run.metric].greater_is_better)


def build_learner(
    plan: RunPlan, module: "nn.Module", accelerator: "Accelerator", maker: BatchMaker, criterion: Criterion, num_images: int
) -> Learner:
    """A learner for `num_images` training images, from a module that holds the weights to begin with.

    Raises:
        InputError: a flag of the recipe does not fit the model or the optimizer.
    """
    settings = plan.optimization
    model = module.to(accelerator.device)
    optimizer = build_optimizer(model.parameters(), settings)
    rule = Rule(
        schedule=build_schedule(optimizer, settings, horizon_of(plan, num_images)),
        ema=Ema(model, settings.ema) if settings.ema is not None else None,
        clip_grad_norm=settings.clip_grad_norm,
        backbone=find_backbone(model, maker.num_classes or 0, plan.model_path) if settings.freeze_backbone else None,
        frozen_epochs=settings.freeze_backbone,
        halves_batches=settings.auto_batch_size,
        metric=plan.run.metric,
    )
    for one in (model, *([rule.ema.module] if rule.ema else [])) if plan.runtime.compile else ():
        compile_model(one)
    model, optimizer = accelerator.prepare(model, optimizer)
    if rule.ema is not None:
        rule.ema.module = accelerator.prepare_model(rule.ema.module, evaluation_mode=True)
    iterations = (plan.run.logging_iters_train, plan.run.logging_iters_valid)
    return Learner(model, optimizer, criterion, accelerator, maker, iterations, plan.model_path, rule)
