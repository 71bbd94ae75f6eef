"""Visitors: a keyed digest that is the same for one day, and a cookie for commenters. No IP address is stored."""
