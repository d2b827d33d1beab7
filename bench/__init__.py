"""The benchmarks of docs/performance.md: `python -m bench`, or `make bench`. What each measures stands in its module."""
