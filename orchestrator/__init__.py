"""Evidence about "is X compatible with Y": a containerized multi-version test-matrix orchestrator."""

__version__ = "0.1.0"
