"""The exponential moving average of a model's weights, kept beside those that are trained."""

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


class Ema:
    """Averages weights and float buffers: average <- d * average + (1 - d) * value after each step, whole-number buffers are copied.

    d is the smaller of the decay and (1 + n) / (10 + n) after n steps, so that the first weights, which are of no use, are soon forgotten
    (as in TensorFlow's ExponentialMovingAverage; Polyak and Juditsky 1992 for the average itself).
    """

    def __init__(self, module: "nn.Module", decay: float) -> None:
        """Begins with a copy of the module's weights as they are.

        Args:
            module: on its device, not yet wrapped or compiled.
            decay: in [0, 1).
        """
        self.module = copy.deepcopy(module).requires_grad_(False).eval()
        self.decay = decay
        self.updates = 0

    def update(self, module: "nn.Module") -> None:
        """Takes in the weights of `module` after a step."""
        import torch

        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, theirs = _tensors(self.module), _tensors(module)
        averaged = [name for name, value in mine.items() if value.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([mine[name] for name in averaged], [theirs[name] for name in averaged], 1 - decay)
            for name in mine.keys() - set(averaged):
                mine[name].copy_(theirs[name])

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights and how many steps they have seen."""
        return {"updates": self.updates, "weights": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where `state_dict` was taken."""
        self.updates = state["updates"]
        self.module.load_state_dict(state["weights"])


def _tensors(module: "nn.Module") -> "dict[str, torch.Tensor]":
    """Every weight and buffer, those that are shared once."""
    return dict([*module.named_parameters(), *module.named_buffers()])


def weights_to_use(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a run's state that predict: the averaged ones where the run keeps them, else those that are trained."""
    averaged = state["ema_state"]
    weights: dict[str, Any] = state["model_state"] if averaged is None else averaged["weights"]
    return weights
