"""Custom Keras layers, one family a file. Importing one imports keras."""
