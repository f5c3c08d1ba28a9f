"""The machine model against other CPUs, on as many states as there is time for."""
