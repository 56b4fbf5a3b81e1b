"""A user's own file of series: reading it, what is in it, and how it is cut. Nothing here knows a backend."""
