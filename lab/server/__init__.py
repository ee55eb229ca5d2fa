"""The language server: what the checker knows, in the shapes that editors ask for.

`notes` hears a check, `names` turns what it heard into places and their meanings, and one module
for each request answers from them. Nothing here decides whether a study is right.
"""
