"""A random test of what a run promises: operations and faults from a seed, and an account that is checked at rest."""
