"""Who visits: a keyed digest that lives for a day, and a cookie for those who posted. Never an address."""
