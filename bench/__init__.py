"""The benchmarks of docs/performance.md: `make bench`. What each measures stands in its module."""
