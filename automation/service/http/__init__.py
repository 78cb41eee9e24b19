"""HTTP around the application: the server, the protocol, joined writes, and the request log."""
