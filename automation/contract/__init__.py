"""The contract as running code: loaded, checked, compiled once at start, and held to in both directions."""
