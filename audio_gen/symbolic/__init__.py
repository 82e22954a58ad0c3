"""Music as notes: the score, files of it, its theory, and what networks see of it. No torch here."""
