"""What is done to channels between reading and using them: cut, shift, mask, part, scale."""
