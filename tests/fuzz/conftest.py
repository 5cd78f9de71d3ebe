"""Fuzzing of readers: damaged and strange input gives a result or one of our errors, soon and in little memory.

The usual test run draws the same 1,000 examples per reader each time, in about a minute; `make test-slow` draws 100,000
new ones, or as many as the environment variable `TSREP_FUZZ_EXAMPLES` says.
"""

import os
import resource
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK, LONG = 1000, int(os.environ.get("TSREP_FUZZ_EXAMPLES", "100000"))
LONGEST = 3.0
"""Seconds of the processor that an example may take: what else the machine does counts for nothing."""
MOST_MEMORY = 1 << 30
"""Bytes by which the examples of a reader may raise the memory of the process."""


def is_ours(error: Exception) -> bool:
    """Whether an error is one that the package raises itself for its input, and not one from within a library."""
    raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    ours = any(part in ("tsrep", "tsrep_vision") for part in raised_in.parts)
    return isinstance(error, ValueError | TypeError | OSError) and ours and bool(str(error))


@pytest.fixture(params=[QUICK, pytest.param(LONG, marks=pytest.mark.slow)], ids=["quick", "long"])
def fuzz(request: pytest.FixtureRequest) -> Callable[[st.SearchStrategy[Any], Callable[[Any], Any]], None]:
    """`fuzz(strategy, read)` calls `read` with drawn examples."""

    def run(strategy: st.SearchStrategy[Any], read: Callable[[Any], Any]) -> None:
        @settings(
            max_examples=request.param,
            derandomize=request.param == QUICK,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def check(example: Any) -> None:
            started = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # of numbers that overflow
                try:
                    read(example)
                except Exception as error:
                    if not is_ours(error):
                        raise
            assert time.process_time() - started < LONGEST

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check()
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_MEMORY

    return run


@pytest.fixture
def damaged() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """`damaged(content)` draws bytes in which a few runs are replaced, cut out or doubled, or the end is missing."""
    return _damaged


@st.composite
def _damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with a few runs replaced, cut out, doubled or cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, 1 << 20)) % max(1, len(content))
        length = draw(st.sampled_from([1, 1, 2, 4, 8, 40]))
        kind = draw(st.sampled_from(["replace", "cut", "double", "end"]))
        if kind == "replace":
            content[start : start + length] = draw(st.binary(min_size=length, max_size=length))
        elif kind == "cut":
            del content[start : start + length]
        elif kind == "double":
            content[start:start] = content[start : start + length]
        else:
            del content[start:]
    return bytes(content)
