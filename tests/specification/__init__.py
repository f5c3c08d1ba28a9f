"""Tests of the words a spec is written in, and of its reader."""
