"""Géron, "Hands-On Machine Learning", 2nd edition, chapter 15: its cases, its printed values and its faults."""
