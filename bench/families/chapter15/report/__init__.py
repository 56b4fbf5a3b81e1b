"""What only the chapter's report has."""
