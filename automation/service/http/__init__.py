"""HTTP around the application: listening processes, the protocol, joined writes, and the request log."""
