"""The strength of a spec: changes of a target's bytes, and which of them its claims see."""
