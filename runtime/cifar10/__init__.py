"""The places where CIFAR-10 may be found; each yields the identical arrays."""
