"""What the processor is: registers, modes, descriptors, paging, memory, state, models."""
