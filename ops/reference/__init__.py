"""Pages of docs/reference that are made of the code, so that they cannot say anything else."""
