"""Measures the library against its peers: `scripts/bench`, explained in docs/benchmarks.md."""
