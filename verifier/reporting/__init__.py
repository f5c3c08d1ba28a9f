"""Verdicts out: as text, as JSON, as files that replay, and as HTML in a notebook."""
