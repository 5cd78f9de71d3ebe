"""`tsrep report`: one HTML page of what a folder holds.

contents.py   which files there are, by kind
benchmarks.py results of `tsrep bench`
models.py     saved models
tables.py     tables that the commands write, with a picture where their kind is known
arrays.py     representations of `tsrep encode`
command.py    the command
"""
