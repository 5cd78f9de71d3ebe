"""Torch modules and functions that several models share; torch only.

padding.py      which steps lie inside their series
masking.py      means over masked entries
position.py     sine and cosine position codes
transformer.py  pre-norm Transformer over steps
overlap.py      long series in overlapping windows, and back
"""
