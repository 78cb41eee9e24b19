"""What is made from the contract outside the service: SDKs, comparisons, the catalogue of errors."""
