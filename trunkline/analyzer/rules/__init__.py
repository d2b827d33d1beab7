"""What is wrong with a trace: one small file per rule, and the engine that runs them."""
