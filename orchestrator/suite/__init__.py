"""Where probes come from: suites are found, read without running their code, and keyed by their content."""
