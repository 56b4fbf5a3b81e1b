"""Cases: a dataset, a model and a recipe under a name. A new one is one file and one decorator."""
