"""The speed figures that the README quotes, and how to make them again."""
