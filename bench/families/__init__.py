"""Families of cases: a folder holds all that one source needs.

Its parts are found by their names: ``cases``, ``metrics`` and ``report`` (sections, findings, columns, frames).
"""
