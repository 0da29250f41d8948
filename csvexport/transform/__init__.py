"""Blocks of text rows to records and issues."""
