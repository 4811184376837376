"""How much memory can still be had."""

from __future__ import annotations


def free_memory() -> int:
    """Bytes that can be had, 0 where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 0
