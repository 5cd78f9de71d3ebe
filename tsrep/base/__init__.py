"""What every estimator of the package is.

saving.py      `SavedEstimator`: a fitted estimator as a folder of tensors and JSON, `load`, an estimator inside another
fitting.py     `atomic`: a `fit` that succeeds whole or changes nothing
parameters.py  ranges of constructor parameters, their one checker and the one spelling of its errors
panels.py      `PanelEstimator`: reads panels, checks their channels and length, draws the seed
output.py      what `set_output` means for series
training.py    `TrainedEstimator`: trainings that continue, from a checkpoint or after a finished `fit`
"""
