"""The words a spec is written in, and the reader of its TOML.

Nothing here knows a solver or an instruction: a spec is read into frozen records, and
others give its expressions their values.
"""
