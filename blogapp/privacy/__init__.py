"""The privacy page, and the opt-out from being counted."""
