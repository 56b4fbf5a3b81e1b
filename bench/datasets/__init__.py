"""Datasets. A new one is one file and one decorator."""
