"""The pool of connections: opening, batches of reads, the encoding of values, and the privileges of the login."""
