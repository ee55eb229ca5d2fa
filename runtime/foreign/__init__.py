"""Networks made elsewhere, as graphs of operators that run in JAX. Nothing here imports torch."""
