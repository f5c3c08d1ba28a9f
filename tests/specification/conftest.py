"""How generated tests run here: without a deadline, as several run at once; seeds printed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("specification", deadline=None, print_blob=True)
settings.load_profile("specification")
