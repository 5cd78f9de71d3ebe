"""Ranges of parameters: what they hold, and the one spelling of their errors."""

from types import SimpleNamespace

import numpy as np
import pytest

from tsrep.base.parameters import boolean, check_parameters, integer, number, one_of


@pytest.mark.parametrize(
    ("wanted", "inside", "outside", "says"),
    [
        (integer(1), [1, np.int64(7)], [0, 1.0, True, None, "1"], "an integer of at least 1"),
        (integer(0, none=True), [0, None], [-1, False], "an integer of at least 0, or None"),
        (number(above=0), [1e-9, 3, np.float32(2)], [0, -1, np.nan, np.inf, "1", True], "a number above 0"),
        (number(0, 1), [0, 1, 0.5], [-0.1, 1.1, None], "a number from 0 to 1"),
        (number(0, below=1), [0, 0.99], [1, -1], "a number from 0 to below 1"),
        (number(0, none=True), [0, 1e9, None], [-1e-9, np.inf], "a number of at least 0, or None"),
        (number(), [-1, 2.5], ["a", None], "a number"),
        (boolean(), [True, np.bool_(False)], [0, 1, None], "True or False"),
        (one_of("max", "mean"), ["max"], ["min", None, np.array(["max"])], "one of ['max', 'mean']"),
        (one_of(None, 1), [None, 1], [True, 2], "one of [None, 1]"),
    ],
)
def test_ranges(wanted, inside, outside, says):
    for value in inside:
        check_parameters(SimpleNamespace(size=value), {"size": wanted})
    for value in outside:
        with pytest.raises(ValueError) as error:
            check_parameters(SimpleNamespace(size=value), {"size": wanted})
        assert str(error.value) == f"size is {value!r}; wanted {says}"
