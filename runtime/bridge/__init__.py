"""Files and models made elsewhere. Torch is imported here and nowhere else."""
