"""Suites of probes: found, read without running their code, and keyed by their content."""
