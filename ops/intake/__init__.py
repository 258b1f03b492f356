"""How jobs come in by the command line: from lines of a file, or one by hand."""
