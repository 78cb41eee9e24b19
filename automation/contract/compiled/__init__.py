"""The contract compiled: operations, parameters, bodies, responses, formats and links, made once at start."""
