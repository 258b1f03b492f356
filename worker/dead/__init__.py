"""What happens to jobs that cannot be applied, and how operators bring them back."""
