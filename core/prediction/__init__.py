"""A model and images -> Predictions."""
