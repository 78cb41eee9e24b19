"""Measures the service: against its peers (``make bench``), at scale (``make bench-scale``), and its engine."""
