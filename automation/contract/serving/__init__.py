"""The contract in service: Connexion's adapter, the binding of handlers, validation and replies."""
