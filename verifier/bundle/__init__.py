"""Proof bundles: every question behind a verdict as a file that other solvers can answer."""
