"""Adapters to other libraries of time series, each imported only where it is used.

sktime/   estimators of sktime around the encoders and tasks of this package
tsai.py   encoders in tsai's learners, and tsai's architectures in the encoders of this package
"""
