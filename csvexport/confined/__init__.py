"""Readers that run in a process of their own, since the libraries that they call set no bounds.

A workbook of a few kilobytes may unfold to hundreds of gigabytes, and what cannot be allocated ends the process that
asked for it. `serving` answers `csvexport.sources.confining` over a pipe; nothing here needs more to be imported than
its own library, so that the process begins at once.
"""
