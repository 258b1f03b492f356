"""Workers and what they hold, and what they have completed."""
