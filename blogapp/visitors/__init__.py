"""Visitors: a keyed digest that is the same for one day, and a cookie for those who posted. No address is stored."""
