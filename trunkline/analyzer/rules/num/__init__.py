"""Rules on called numbers and Request-URIs."""
