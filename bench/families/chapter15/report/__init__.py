"""What only the chapter's report has: printed values beside ours, and what each fault of the source cost."""
