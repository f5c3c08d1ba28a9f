"""Ways to be wrong that were found by attack, each kept as a test."""
