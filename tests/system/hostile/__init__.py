"""Attacks on a service that runs, by chance from a seed, beside an innocent tenant who is to notice little of them."""
