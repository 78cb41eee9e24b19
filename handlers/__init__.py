"""The contract's operations: a module for each tag, a function for each operationId.

A handler is given clean arguments by name, and the principal and the services by annotation. It asks one or two
questions and returns a plain value; what the contract states is checked before and after it, never in it.
"""
