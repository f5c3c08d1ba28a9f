"""Tests of what is told of verdicts."""
