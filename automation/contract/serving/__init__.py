"""The contract in service: Connexion's adapter, the binding of handlers, dispatch, validation and replies."""
