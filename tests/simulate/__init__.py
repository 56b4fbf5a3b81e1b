"""Simulations behind what the statistics promise: small in the tests, large in ``make simulate``.

A file with a function under ``@simulation`` is all that one takes; every module here is imported.
"""
