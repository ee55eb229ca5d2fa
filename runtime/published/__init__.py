"""Sets that their authors publish as files with known checksums: where each is looked for."""
