"""Crashes, two at once, faults of the machine; fsck and gc."""
