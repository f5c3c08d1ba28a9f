"""A symbolic verifier of relocation correctness for x86 boot trampolines."""

__version__ = "0.1.0"
