"""I1 to I16: each a pure function from facts to violations, in one file a family."""
