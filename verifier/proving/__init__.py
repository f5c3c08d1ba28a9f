"""From claims and paths to verdicts, with a concrete start for what fails."""
