"""ATen operators in JAX, a file for each family."""
