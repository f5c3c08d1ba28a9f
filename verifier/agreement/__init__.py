"""Whether a second lifter gives ordinary instructions the meaning that paths are executed with."""
