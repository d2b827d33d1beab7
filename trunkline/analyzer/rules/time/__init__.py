"""Rules on retransmissions and answers that never come."""
