"""One file per kind of value: its reference (text to value or issue) and its kernel over a column."""
