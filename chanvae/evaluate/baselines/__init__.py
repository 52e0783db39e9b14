"""What any model must beat: simpler ways to make channels from the same training data."""
