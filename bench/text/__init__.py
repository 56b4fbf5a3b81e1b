"""Text from data, such as labels and names of tasks, as each place takes it; one function a place, used everywhere.

Suites, plug-ins, records and machines give text of any kind. It is data: it stands as it is, and is never markup, a
formula, a template, a path or a command to a terminal.

Where it goes:
    Markdown, in a paragraph or a cell: `markdown.escape`; as code: `markdown.code`; as a block: `markdown.fenced`.
    A heading, the link to it, and the links to pictures and other files: `markdown.heading`, `markdown.Anchors`,
    `markdown.link`, `markdown.image`.
    HTML inside Markdown: `markdown.html`.
    A figure: `figure.as_text`, with mathematics turned off by the style.
    A file's name: `files.file_key`; a folder's, which is refused rather than changed: `files.is_folder_name`.
    A terminal: `screen.safe`, which every console of `bench.cli.screen` applies; of a text in Markdown what it says:
    `markdown.plain`.
    One line, where nothing else is asked: `lines.one_line`.
    A CSV: `bench.frames.base.write_frames`, which any text comes back from. MLflow: `bench.tracking.limits`.
    A template: text is a value of it, escaped before or inside, and never its source.

What a suite may call things is checked when it is read: `lines.fit` says no to what cannot be shown at all.
"""
