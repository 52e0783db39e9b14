"""What is measured of a channel: statistics with their definitions, and what they need of it."""
