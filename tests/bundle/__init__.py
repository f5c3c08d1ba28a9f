"""Proof bundles: what is written, what is refused, what solvers say of it."""
