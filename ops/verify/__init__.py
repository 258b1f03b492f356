"""Whether the live database keeps every promise about its data. One file a family of checks."""
