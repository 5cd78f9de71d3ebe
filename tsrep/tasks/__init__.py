"""What a representation is used for. Every task takes any encoder with `fit` and `transform`."""

from tsrep.tasks.classify import RepresentationClassifier

__all__ = ["RepresentationClassifier"]
