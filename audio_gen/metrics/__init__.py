"""Pure functions (reference, estimate) → figures, with bootstrap intervals."""
