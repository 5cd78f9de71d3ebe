"""Series drawn as images and seen by a Vision Transformer: a second view of a panel, to join with another encoder's.

drawing.py    a series as a grey image, and where its steps are drawn
spans.py      which steps of a panel are drawn, and what stands in for missing ones
estimator.py  `SeriesImageEncoder`, the representation
"""

from tsrep_vision.series.estimator import SeriesImageEncoder

__all__ = ["SeriesImageEncoder"]
