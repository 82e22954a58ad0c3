"""Networks and vocoders, one family a file, and the checkpoint that carries them."""
