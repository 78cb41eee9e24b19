"""Tools that work on the contract and the code outside the service: SDKs, comparisons, the catalogue of errors."""
