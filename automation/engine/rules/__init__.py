"""Rules as the worker sees them: checked, compiled to programs, planned, and masked where they are shown."""
