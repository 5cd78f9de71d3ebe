"""The public names of `tsrep_vision`."""

import pytest

import tsrep_vision


@pytest.mark.parametrize("name", tsrep_vision.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(tsrep_vision, name) is not None
    assert name in dir(tsrep_vision)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'tsrep_vision' has no attribute 'MAY'"):
        _ = tsrep_vision.MAY
