"""Tests of what single instructions do; generators and comparison are shared by its files."""
