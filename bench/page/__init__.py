"""A report's page: what its README.md says and its figures show, as one HTML file that needs nothing else."""

from bench.page.build import PAGE, check_page, write_page

__all__ = ["PAGE", "check_page", "write_page"]
