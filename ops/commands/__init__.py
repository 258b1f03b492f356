"""One file a command: its options, what it prints, its exit code."""
