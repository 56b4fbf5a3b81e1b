"""From frames to tables, figures and Markdown."""
