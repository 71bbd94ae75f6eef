"""Owners of the blog: their accounts, passwords, sessions, and the sign-in page."""
