"""The options of training: how long, by which rule, on which device, and what is written."""

from dataclasses import dataclass

from core.metrics import METRICS
from core.settings import option

AUTO = "auto"
OOF_STATES = ("last", "best")


@dataclass(frozen=True)
class RunSettings:
    """What a run is called, how long it goes and what it leaves behind."""

    model_title: str | None = option(None, "name of the run: of its states, graph and predictions (default: the model file's stem)")
    model_class: str | None = option(None, "class in the model file, or function that makes one, where it holds several", metavar="NAME")
    num_epochs: int = option(3, "epochs to train", minimum=1, maximum=100_000)
    batch_size: int = option(64, "images a step", minimum=1, maximum=65_536)
    seed: int = option(0, "seed of weights, order, augmentation and dropout", minimum=0, maximum=2**31 - 1)
    metric: str = option(
        AUTO,
        "the held-out figure by which the best state is chosen (auto: macro_f1, roc_auc, quadratic_kappa or rmse, by the kind of task)",
        choices=(AUTO, *METRICS),
        metavar="NAME",
    )
    folds: str | None = option(
        None, "train a model for each of these folds of dataset/folds.csv, such as all or 0,2; finished ones are skipped", metavar="LIST"
    )
    oof_from: str = option(
        "last", "which state the out-of-fold rows, and the figures at the end, come from; the best was chosen on them", choices=OOF_STATES
    )
    max_samples: int | None = option(None, "train on only this many images, a stratified subset, and hold out no more than that", minimum=2)
    save_graph: bool = option(True, "draw the learning curves, graphs/<title>.png")
    save_state: bool = option(False, "keep a state every --period_save_weights epochs, besides the last, the best and the one at the end")
    resume: bool = option(False, "go on with the run from its newest whole state, or begin it (as the other flags say) where there is none")
    load_state: str | None = option(None, "go on from this state: a name in model_states/, a path or a title", metavar="NAME")
    period_save_weights: int = option(1, "epochs between the states that --save_state keeps", minimum=1)
    period_save_steps: int | None = option(None, "steps between the savings of the last state inside epochs", minimum=1)
    keep_states: int | None = option(None, "keep only so many of the states of --save_state, the newest", minimum=1)
    early_stopping: int | None = option(None, "end the run after so many epochs without a better --metric", minimum=1)
    predict: bool = option(False, "at the end predict the test images with the best state, as predict_classes would")
    time_limit: str | None = option(
        None,
        "end by itself within this time of the start, such as 8h30m, with a state and predictions (implies --predict)",
        metavar="DURATION",
    )
    logging_iters_train: int = option(10, "training batches a point of the per-iteration curves", minimum=1)
    logging_iters_valid: int = option(3, "held-out batches a point of the per-iteration curves", minimum=1)


@dataclass(frozen=True)
class OptimizationSettings:
    """The update rule and what it minimizes; names are torch's."""

    optimizer: str = option("Adam", "a class of torch.optim", aliases=("optimiser",), metavar="NAME")
    loss_func: str = option(
        AUTO,
        "a loss of torch.nn that takes the task's targets, or FocalLoss (auto: CrossEntropyLoss, BCEWithLogitsLoss or MSELoss)",
        metavar="NAME",
    )
    label_smoothing: float = option(0.0, "share of a target that is spread over all classes (not every loss has it)", minimum=0, below=1)
    class_weights: str | None = option(
        None, "how much an image of each class counts: auto (balanced), sqrt, name=number,... or a number for each class", metavar="WEIGHTS"
    )
    focal_gamma: float | None = option(None, "how little FocalLoss minds images that are right already (default: 2)", minimum=0)
    learning_rate: float = option(1e-3, "learning rate", above=0, aliases=("lr",))
    weight_decay: float | None = option(None, "weight decay (default: the optimizer's own)", minimum=0)
    momentum: float | None = option(
        None, "momentum, where the optimizer has one (default: 0.9 for SGD, else the optimizer's own)", minimum=0, below=1
    )
    scheduler: str | None = option(None, "cosine, one_cycle or a class of torch.optim.lr_scheduler: moves the rate", metavar="NAME")
    scheduler_args: str | None = option(None, "what the scheduler needs, such as step_size=10,gamma=0.5", metavar="NAME=VALUE,...")
    warmup_epochs: float | None = option(None, "epochs in which the rate of --scheduler cosine rises first", minimum=0)
    schedule_epochs: int | None = option(
        None, "epochs that cosine, one_cycle or CosineAnnealingLR are stretched over (default: --num_epochs)", minimum=1
    )
    gradient_accumulation: int = option(1, "batches of --batch_size whose gradients make one step", minimum=1, maximum=65_536)
    auto_batch_size: bool = option(False, "halve a batch that does not fit into the memory, and accumulate its parts to the same step")
    clip_grad_norm: float | None = option(None, "the largest norm of all gradients together; larger ones are scaled down to it", above=0)
    ema: float | None = option(
        None,
        "keep a moving average of the weights with this decay, such as 0.999, to evaluate and predict with",
        minimum=0,
        below=1,
    )
    sampler: str = option("shuffled", "balanced: every class has equally many places in an epoch", choices=("shuffled", "balanced"))
    freeze_backbone: int = option(0, "epochs at the beginning in which only the last layer is trained", minimum=0)


@dataclass(frozen=True)
class RuntimeSettings:
    """The machine."""

    device: str | None = option(None, "auto, cpu, cuda or cuda:<n>; auto takes the GPU where there is one (default: auto)")
    use_gpu: bool | None = option(None, "the same as --device cuda; --no_use_gpu is --device cpu")
    num_workers: int | None = option(
        None,
        "processes that fill the store, or threads that decode where there is none (default: as many as cores)",
        minimum=0,
        maximum=256,
    )
    precision: str = option(
        "auto",
        "of forward and backward pass; auto: bf16 on a GPU that has it, else fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    compile: bool = option(False, "compile the model with torch.compile (needs a C++ compiler): slow to start, may be faster after")


@dataclass(frozen=True)
class AveragingSettings:
    """Which states are averaged, and what comes of it."""

    model_title: str | None = option(None, "the run that --last and --best look at (default: the model file's stem)")
    last: int | None = option(None, "average so many of the states that --save_state kept of the run, the newest", minimum=2)
    best: int | None = option(None, "average so many of them, those with the best held-out --metric of the run", minimum=2)
    save_as: str | None = option(None, "name of the average (default: <title>_average)", metavar="NAME")
    batch_size: int = option(64, "images a batch; the statistics of deeper BatchNorm layers depend on it", minimum=2, maximum=65_536)
