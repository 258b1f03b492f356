"""What operators see of the dead, and do with them."""
