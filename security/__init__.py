"""The contract's security scheme: from API key to principal, tenant and permission."""
