"""The running service: settings, the assembled application, problem responses, logs, and the `automation` command."""
