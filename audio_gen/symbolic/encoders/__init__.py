"""What networks see of a score: pure functions with exact round trips, one representation a file."""
