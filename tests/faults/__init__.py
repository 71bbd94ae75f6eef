"""What the blog does when something breaks: `make faults`. Each module is one kind of fault; its functions return rows.

These take minutes, so they are plain programs and not part of `make test`; the quick ones there are named in
docs/faults.md.
"""
