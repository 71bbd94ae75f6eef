"""Feeds of articles and comments, the sitemap, and robots.txt."""
