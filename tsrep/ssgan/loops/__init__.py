"""Recurrences as one loop over both directions of time, with hand-written gradients.

directions.py  both directions in one tensor; affine maps and decays for them
recurrence.py  a bidirectional GRU whose state may decay between steps
imputing.py    the loop of the recurrent generator, BRITS
"""
