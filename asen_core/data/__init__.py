"""Which garments exist and what is known about them."""
