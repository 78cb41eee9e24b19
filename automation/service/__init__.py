"""The running service: settings, the assembled application, its server and worker, problem responses, and logs."""
