"""Texts as tokens: tokenizers, and tables of text."""
