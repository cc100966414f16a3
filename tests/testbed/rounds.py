"""How often a test of chances tries, and by which numbers.

GANETI_OVS_ROUNDS, if set, is the number of rounds; GANETI_OVS_SEED repeats a run's distances.
"""

from __future__ import annotations

import os
import random


def rounds(default: int) -> range:
    """As many as GANETI_OVS_ROUNDS says, else `default`."""
    return range(int(os.environ.get("GANETI_OVS_ROUNDS") or default))


def chances() -> random.Random:
    """Random numbers; their seed is printed, so pytest shows it when the test fails."""
    seed = int(os.environ.get("GANETI_OVS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"GANETI_OVS_SEED={seed}")
    return random.Random(seed)
