"""The TS2Vec authors' normalisation of the UCR and UEA archives.

The rules are those of the data loaders in the code published with the TS2Vec paper (Yue et al., AAAI 2022).
Most UCR sets are standardised series by series in the archive itself and are not changed; 34 sets of the 2018
edition are not, and are standardised by one mean and deviation per set. UEA sets are standardised by channel.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tsrep.data.panel import as_panel, is_flat
from tsrep.data.scale import PanelScaler

Array = NDArray[Any]

GLOBALLY_STANDARDISED_UCR = frozenset(
    {
        "AllGestureWiimoteX", "AllGestureWiimoteY", "AllGestureWiimoteZ", "BME", "Chinatown", "Crop",
        "EOGHorizontalSignal", "EOGVerticalSignal", "Fungi", "GestureMidAirD1", "GestureMidAirD2",
        "GestureMidAirD3", "GesturePebbleZ1", "GesturePebbleZ2", "GunPointAgeSpan",
        "GunPointMaleVersusFemale", "GunPointOldVersusYoung", "HouseTwenty", "InsectEPGRegularTrain",
        "InsectEPGSmallTrain", "MelbournePedestrian", "PickupGestureWiimoteZ", "PigAirwayPressure",
        "PigArtPressure", "PigCVP", "PLAID", "PowerCons", "Rock", "SemgHandGenderCh2",
        "SemgHandMovementCh2", "SemgHandSubjectCh2", "ShakeGestureWiimoteZ", "SmoothSubspace", "UMD",
    }
)  # fmt: skip
"""UCR sets that are not standardised in the archive; the authors use one mean and deviation of the training part."""

_FOLDED = frozenset(name.casefold() for name in GLOBALLY_STANDARDISED_UCR)


def ts2vec_normalisation(name: str, X_train: Any, X_test: Any) -> tuple[Array, Array]:
    """Both parts of an archive set, normalised as by the TS2Vec authors, with statistics of the training part only.

    Univariate (UCR): the sets in `GLOBALLY_STANDARDISED_UCR` are standardised by one mean and deviation of all
    observed values of `X_train`; all other sets are returned unchanged. Multivariate (UEA): each channel is
    standardised by its own mean and deviation. The number of channels decides on the archive.

    Parameters
    ----------
    name : str
        Name of the set in its archive; case is ignored.
    X_train, X_test : panel
        Raw values, anything that `as_panel` takes, with equal numbers of channels.

    Returns
    -------
    `(X_train, X_test)`: new arrays `(n, c, t)` (`(n, t)` for 2-D input), or the given ones if no rule
    applies.

    Raises
    ------
    ValueError
        The two parts differ in their number of channels, or `as_panel` raises for one.
    """
    train, test = as_panel(X_train), as_panel(X_test)
    if train.shape[1] != test.shape[1]:
        raise ValueError(f"X_test has {test.shape[1]} channels, X_train has {train.shape[1]}")
    if train.shape[1] > 1:
        scaler = PanelScaler(over="channel").fit(train)
    elif name.casefold() in _FOLDED:
        scaler = PanelScaler(over="all").fit(train)
    else:
        scaler = None
    if scaler is not None:
        train, test = scaler.transform(train), scaler.transform(test)
    return (train[:, 0] if is_flat(X_train) else train), (test[:, 0] if is_flat(X_test) else test)
