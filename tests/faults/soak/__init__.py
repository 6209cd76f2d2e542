"""Every harness to its full count, in turns, with a report that survives any interruption."""
