"""What components cost by arithmetic (`lab.compiler.facts`): no JAX, no numpy, nothing opened."""
