"""One training recipe for each model family, found by name."""
