"""Rules on the presence and the path of RTP."""
