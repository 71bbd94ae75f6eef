"""What is kept of readers, in their words, and their way to object."""
