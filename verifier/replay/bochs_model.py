"""What the CPU models that Bochs replays on report, as data; tests measure each value.

``WITH_LA57`` is a model with 5-level paging; the other is the newest without.
"""

from __future__ import annotations

from verifier.machine.registers import Cr4, Efer

BOCHS_PHYSICAL_BITS = 40
"""The physical-address width of Bochs as built, whatever its CPUID says."""
