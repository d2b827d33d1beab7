"""Rules on transport, TLS, fragments and firewalls."""
