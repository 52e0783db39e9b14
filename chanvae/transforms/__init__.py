"""From channels to the real tensors a model sees, and back."""
