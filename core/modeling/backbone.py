"""A model's backbone, everything before its last layer, and how it is frozen while a new head learns."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Backbone:
    """The modules and weights of a model other than its head's.

    Attributes:
        modules: those that hold no part of the head.
        parameters: their weights, and any others that are not the head's, as far as the model trains them.
    """

    modules: "list[nn.Module]"
    parameters: "list[nn.Parameter]"

    def freeze(self, frozen: bool) -> None:
        """Switches training of the weights off or on; call it after `train()`, which also moves frozen modules back to training mode:
        their batch statistics stay as they are and their dropout is off while they are frozen."""
        for parameter in self.parameters:
            parameter.requires_grad_(not frozen)
        for module in self.modules if frozen else []:
            module.training = False


def find_backbone(module: "nn.Module", num_classes: int, path: Path) -> Backbone:
    """Everything but the head: the last layer in the order of the model's modules whose weights have one row a class.

    Raises:
        InputError: the model (of the file `path`) has no such layer, or nothing before it that could be frozen.
    """
    leaves = [(name, child) for name, child in module.named_modules() if list(child.parameters(recurse=False))]
    heads = [(name, child) for name, child in leaves if any(p.ndim > 1 and len(p) == num_classes for p in child.parameters(recurse=False))]
    if not heads:
        raise InputError(f"--freeze_backbone: {path} has no layer with {num_classes} outputs that would be its head")
    name, head = heads[-1]
    own = {id(p) for p in head.parameters()}
    parameters = [p for p in module.parameters() if p.requires_grad and id(p) not in own]
    if not parameters:
        raise InputError(f"--freeze_backbone: {path} has nothing before its last layer {name!r} that could be frozen")
    return Backbone([child for child in module.modules() if all(part is not head for part in child.modules())], parameters)
