"""A plan to results: JAX, checkpoints, the store, reports and tracking."""
