"""Figures of image models: a model and images in, a matplotlib `Figure` out (`figure.savefig(path)`).

reconstructions.py  what a masked autoencoder saw of images and made of them
hog.py              histograms of oriented gradients, true and predicted
segmentation.py     masks and boxes over images
curves.py           losses and scores over the steps of a training
pictures.py         images as models take them, and as they are shown
"""

from tsrep_vision.plots.curves import plot_learning_curves
from tsrep_vision.plots.hog import plot_hog
from tsrep_vision.plots.reconstructions import plot_reconstructions
from tsrep_vision.plots.segmentation import plot_segmentation

__all__ = ["plot_hog", "plot_learning_curves", "plot_reconstructions", "plot_segmentation"]
