"""Sets that are tables: columns of texts, numbers or images, and one of labels."""
