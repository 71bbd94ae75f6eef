"""The owner of the blog: who they are, and how they sign in."""
