"""Daily boardings of Chicago's buses and trains: the networks of the third edition's chapter 15 (Géron 2022)."""
