"""What another program says the vessels are."""
