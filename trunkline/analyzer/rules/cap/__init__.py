"""Rules on the capture itself: what it can and cannot prove."""
