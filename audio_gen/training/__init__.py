"""The training loop and what only training needs; nothing that predicts or generates imports it."""
