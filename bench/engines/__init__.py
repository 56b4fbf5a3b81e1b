"""Backends behind one protocol."""
