"""What models hear: one file for each feature; MelSpec is the contract between them."""
