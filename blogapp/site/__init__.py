"""What the owner sets in the browser: the blog's title, description, language and time zone, and its first setup."""
