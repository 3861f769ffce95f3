"""The laws, by family; simplify.py and lower.py choose among them."""
