"""The contract that is shipped: each test looks at every operation of openapi.yaml, new ones included."""
