"""One file for each dataset: a data sheet (LABELS, SOURCE, CITATION, LICENSE, SPLITS) and `items()`."""
