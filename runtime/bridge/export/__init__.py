"""Models for people without `lab`: torch weights and modules, graphs of operators, adapters."""
