"""Tables after those of the tasks: one file and one decorator each."""
