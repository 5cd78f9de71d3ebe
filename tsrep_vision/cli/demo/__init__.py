"""The demonstration behind `tsrep-vision demo`: short trainings on bundled images, ending in one HTML page.

digits.py       a masked autoencoder on scikit-learn's handwritten digits
photographs.py  MaskFeat on pieces of scikit-learn's two photographs
shapes.py       a small Mask R-CNN on generated shapes
page.py         the page
run.py          the whole demonstration, with progress on the terminal
command.py      the command `tsrep-vision demo`
"""
