"""Rules on dialogs, from the ACK to the BYE."""
