"""How strong a spec is: mutants of its bytes, opposites of its assumptions."""
