"""Recurrences as one loop over both directions of time, with their gradients written out.

directions.py  both directions side by side in one tensor; affine maps and decays for them
recurrence.py  a bidirectional GRU whose state may decay between steps
imputing.py    the loop of the recurrent generator, BRITS
"""
