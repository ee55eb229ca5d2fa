"""Networks of `lab`'s own in torch, one file each, with the same names of weights.

A network's file has the name of its component and one function, `build(**arguments)`. Images come
in as torch users have them: floats (n, channels, rows, columns), normalized.
"""
