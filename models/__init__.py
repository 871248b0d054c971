"""Network definitions: one file, one public nn.Module; a leading underscore marks shared blocks."""
