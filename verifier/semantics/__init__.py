"""What one instruction does: a table of system instructions, and the allowed lifts."""
