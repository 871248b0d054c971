"""What a constructor or a function is told of the data."""

from torch import nn

from core.modeling.arguments import possible_arguments, unknown_arguments
from core.modeling.trial import Expectation

WANTED = Expectation(5, 1, 48)


class Known(nn.Module):
    def __init__(self, n_classes, in_chans=3, channels=64, *, img_size, out_features=7):
        super().__init__()


class Above(Known):
    def __init__(self, block, depth=2, **kwargs):
        super().__init__(**kwargs)


class Doubtful(nn.Module):
    def __init__(self, out_channels=2, channels=64):
        super().__init__()


def function(num_classes, width, in_channels=3):
    return Known(num_classes, in_channels, width, img_size=8)


def test_names_are_served_and_widths_left_alone() -> None:
    assert possible_arguments(Known, WANTED) == [{"n_classes": 5, "in_chans": 1, "img_size": 48}]
    assert possible_arguments(Above, WANTED) == possible_arguments(Known, WANTED)


def test_a_doubtful_name_is_served_second() -> None:
    assert possible_arguments(Doubtful, WANTED) == [{}, {"out_channels": 5}]


def test_a_function_is_served_by_its_own_parameters() -> None:
    assert possible_arguments(function, WANTED) == [{"num_classes": 5, "in_channels": 1}]  # type: ignore[arg-type]


def test_what_is_required_and_unknown_is_named() -> None:
    assert [unknown_arguments(maker) for maker in (Known, Above, Doubtful, function)] == ["", "block", "", "width"]  # type: ignore[arg-type]
