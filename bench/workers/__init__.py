"""One script a peer; each is run by that peer's own Python and imports nothing of this package."""
