"""`set_output`: frames with the labels of the instances, or an error that says what it takes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline

from tsrep import SSGANImputer, TS2Vec
from tsrep.data import PanelScaler

RANDOM = np.random.default_rng(0)
PANEL = RANDOM.normal(size=(4, 2, 20))
PANEL[RANDOM.random(PANEL.shape) < 0.1] = np.nan
TABLE = PANEL[:, 0]
HOURS = pd.date_range("2026-01-01", periods=20, freq="h")
DATED = pd.DataFrame(PANEL[0].T, HOURS, ["a", "b"])
LONG = pd.concat([DATED.reset_index(names="ds").assign(unique_id=name) for name in "ba"])
TINY = {"n_components": 4, "hidden_channels": 4, "depth": 2, "max_steps": 0, "random_state": 0}
CONTAINERS = {  # and the labels of the instances
    "table": (TABLE, range(4)),
    "panel": (PANEL, range(4)),
    "frame": (pd.DataFrame(TABLE, list("wxyz")), list("wxyz")),
    "dated": (DATED, [0]),
    "long": (LONG, ["b", "a"]),
    "multiindex": (pd.concat({"b": DATED, "a": DATED}), ["b", "a"]),
    "list": (list(PANEL), range(4)),
    "polars": (pl.DataFrame({"time": HOURS, "a": PANEL[0, 0]}, nan_to_null=True), [0]),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_representations_have_the_labels_of_the_instances(name):
    X, labels = CONTAINERS[name]
    encoder = TS2Vec(**TINY).fit(X)
    Z = encoder.transform(X)
    frame = encoder.set_output(transform="pandas").transform(X)
    assert list(frame.index) == list(labels)
    assert list(frame.columns) == [f"ts2vec{place}" for place in range(4)]
    np.testing.assert_array_equal(frame, Z)
    assert (
        encoder.set_output(transform="polars")
        .transform(X)
        .equals(pl.DataFrame(Z, schema=list(frame.columns)))
    )


@pytest.fixture(scope="module")
def imputer():
    return SSGANImputer(hidden_size=8, depth=1, n_heads=2, max_steps=0, random_state=0, fallback=False)


def test_filled_tables_and_frames(imputer):
    for X, columns in ((TABLE, [f"x{step}" for step in range(20)]), (DATED, ["a", "b"])):
        imputer.set_output(transform="default").fit(X)
        filled = np.asarray(imputer.transform(X))
        frame = imputer.set_output(transform="pandas").transform(X)
        assert list(frame.columns) == columns
        np.testing.assert_array_equal(frame, filled)
        assert isinstance(imputer.set_output(transform="polars").transform(X), pl.DataFrame)


@pytest.mark.parametrize("name", ["panel", "list", "long", "polars"])
def test_what_has_no_form_as_a_frame_is_refused(imputer, name):
    X, _ = CONTAINERS[name]
    imputer.set_output(transform="default").fit(X)
    for output in ("pandas", "polars"):
        with (
            config_context(transform_output=output),
            pytest.raises(
                ValueError, match=f"set to '{output}'; wanted 'default', with which X comes back as the"
            ),
        ):
            SSGANImputer(max_steps=0, random_state=0).fit(X).transform(X)
    assert type(imputer.transform(X)) is type(X)


def test_a_scaler_of_panels_says_that_it_gives_arrays():
    with pytest.raises(ValueError, match="Unable to configure output for PanelScaler"):
        make_pipeline(PanelScaler(), TS2Vec(**TINY)).set_output(transform="pandas")
