"""The way of jobs from the queues to `apply` and back."""
