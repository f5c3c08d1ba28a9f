"""A counterexample on another CPU: Bochs in a worker process, QEMU where it is installed."""
