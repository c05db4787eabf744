"""What are the things? The types that leave their room."""
