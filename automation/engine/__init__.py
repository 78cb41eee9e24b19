"""The worker: what a rule says, evaluated and run."""
