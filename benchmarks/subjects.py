"""What the throughput benchmark compares, in three groups: training, prediction, and the batches without a model."""

import copy
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmarks.peer_loops import Consume, FileSet, PeerLoop, has_timm, plain_loader, timm_loader
from benchmarks.rounds import LIMIT, OURS, PLAIN, TIMM, Variant
from core.data.manifest import TRAIN, read_manifest
from core.prediction.inference import eval_mode, predict_logits
from core.training.fit import train_one_epoch
from core.training.run import Run
from core.workspace import Workspace

_LOADERS: dict[str, Callable[[FileSet, bool, int], Iterable[Any]]] = {PLAIN: plain_loader, TIMM: timm_loader}


@dataclass
class Subjects:
    """One run of this project and the loops it is compared with, on the same files, with the same model, optimizer and precision.

    Attributes:
        run: made ready as the training command does; its model serves every variant and begins each time with the same weights.
        files: its training images as files.
        peer_workers: worker processes of the peers; None tries cores and cores - 1.
    """

    run: Run
    files: FileSet
    peer_workers: int | None = None
    epoch: int = 0
    _weights: dict[str, Tensor] = field(init=False)
    _synthetic: tuple[Tensor, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._weights = copy.deepcopy(self.run.learner.model.state_dict())
        device, size = self.files.device, self.files.batch_size
        images = torch.randn(size, *self.files.shape, device=device)
        if self.run.loaded.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        self._synthetic = images, torch.arange(size, device=device) % len(self.run.competition.task.classes)

    def variants(self, group: str) -> tuple[list[Variant], list[PeerLoop]]:
        """The variants of a group, and the loops among them that have workers to be stopped afterwards."""
        limits = {"training": self._train_synthetic, "prediction": self._predict_synthetic}
        ours = {"training": self._train, "prediction": self._predict, "batches": self._make_batches}
        consume: dict[str, Consume] = {"training": self._train_on, "prediction": self._predict_from, "batches": self._count}
        note = "" if has_timm() else "timm is not installed, so it is left out"
        limit = [Variant(LIMIT, limits[group], self._reset, _myself)] if group in limits else []
        chosen, loops = [*limit, Variant(OURS, ours[group], self._reset, _myself, note)], []
        for name, make in _LOADERS.items():
            if name == TIMM and not has_timm():
                continue
            loop = self._peer(make, group != "prediction", consume[group])
            loops.append(loop)
            chosen.append(Variant(name, loop.run, self._reset, loop.processes, f"worker processes: {loop.workers}"))
        return chosen, loops

    def _peer(self, make: Callable[[FileSet, bool, int], Iterable[Any]], training: bool, consume: Consume) -> PeerLoop:
        loop = PeerLoop(lambda workers: make(self.files, training, workers), consume, self.files.device, self.peer_workers)
        self._reset()
        loop.start()
        return loop

    def _reset(self) -> None:
        self.run.learner.model.load_state_dict(self._weights)

    @property
    def _steps(self) -> int:
        return self.run.learner.batch_maker.num_steps(len(self.run.train))

    def _step(self, images: Tensor, targets: Tensor) -> Tensor:
        learner = self.run.learner
        learner.optimizer.zero_grad(set_to_none=True)
        loss: Tensor = learner.criterion(learner.model(images).float(), targets)
        learner.accelerator.backward(loss)
        learner.optimizer.step()
        return loss.detach()

    def _train_synthetic(self) -> int:
        self.run.learner.model.train()
        for _ in range(self._steps):
            self._step(*self._synthetic)
        return self._steps * self.files.batch_size

    def _train(self) -> int:
        self.epoch += 1
        train_one_epoch(self.run.learner, self.run.train, self.epoch)
        return len(self.run.train)

    def _train_on(self, batches: Iterable[tuple[Tensor, Tensor]]) -> int:
        self.run.learner.model.train()
        losses, count = [], 0
        for images, targets in batches:
            losses.append(self._step(images, targets))
            count += len(targets)
        torch.stack(losses).sum().item()
        return count

    def _predict_synthetic(self) -> int:
        model = self.run.learner.model
        with eval_mode(model), torch.inference_mode():
            for _ in range(self._steps):
                model(self._synthetic[0])
        return self._steps * self.files.batch_size

    def _predict(self) -> int:
        learner, images = self.run.learner, self.run.train.images
        maker = learner.batch_maker
        return len(predict_logits(learner.model, images, maker.normalization, maker.batch_size, maker.device))

    def _predict_from(self, batches: Iterable[tuple[Tensor, Tensor]]) -> int:
        model = self.run.learner.model
        with eval_mode(model), torch.inference_mode():
            return len(torch.cat([model(images).float().cpu() for images, _ in batches]))

    def _make_batches(self) -> int:
        self.epoch += 1
        return sum(len(batch.targets) for batch in self.run.learner.batch_maker.batches(self.run.train, self.epoch))

    def _count(self, batches: Iterable[tuple[Tensor, Tensor]]) -> int:
        return sum(len(targets) for _, targets in batches)


def files_of(run: Run, workspace: Workspace, horflip: float, rotate: float) -> FileSet:
    """The training images of a run as files, in its order, with the normalization that it measured."""
    root, maker = run.competition.image_root, run.learner.batch_maker
    paths = {record.id: root / record.path for record in read_manifest(workspace.manifest_path) if record.part == TRAIN}
    return FileSet(
        [paths[name] for name in run.train.ids],
        run.train.targets.tolist(),
        run.preprocessing.shape,
        maker.normalization.mean,
        maker.normalization.std,
        horflip,
        rotate,
        maker.batch_size,
        maker.device,
    )


def _myself() -> list[int]:
    return [os.getpid()]
