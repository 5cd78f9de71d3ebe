"""SSGAN (Miao et al., AAAI 2021): semi-supervised imputation with a generator, a discriminator and a classifier.

The paper, in reading order (reconstructed from its abstract, the authors' code and two ports):

generator.py      the protocol of a generator: series with gaps to estimates
brits.py          the paper's generator, BRITS
discriminator.py  whether each entry was observed or imputed
reminder.py       the temporal reminder matrix R, what the discriminator is told of the mask
classifier.py     the label of a completed series
loss.py           the losses of the three networks
step.py           one round of the game: classifier, generator, discriminator
estimator.py      `SSGANImputer`: series with gaps in, complete series out

The default generator and how it is trained:

interpolating.py  linear interpolation and a learned residual
beyond.py         the observations nearest to a window of a longer series
cores.py          the networks over time in it
hiding.py         which observed values a training step hides
training.py       holds values out, runs the game, keeps the best weights, recovers from divergence
judgement.py      which channels fall back to lines, and the errors of held-out values
errors.py         bands, standard deviations and samples
calibration.py    errors in gaps cut into the training series, by the length of the gap
long_gaps.py      errors in gaps longer than those
averaging.py      the mean of several networks
networks.py       trains one network or several
filling.py        series to windows, estimates back to series
inference.py      estimates and class probabilities in batches

Services:

elapsed.py        time since each value was last observed
labels.py         labels to class numbers
parameters.py     ranges of the parameters, and the recipes
build.py          the networks by name and size
saved.py          the fitted state as JSON and tensors
loops/            recurrences as one loop over both directions of time
"""
