"""What a user asks for, strung together from the rooms below."""
