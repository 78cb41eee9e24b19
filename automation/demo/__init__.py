"""The demo: sample tenants, keys, rules and runs, the receivers that they call, and the greeting."""
