"""models/x.py -> a checked nn.Module."""
