"""Raw files -> batches: sources, competitions, splits, preprocessing, augmentation, the store."""
