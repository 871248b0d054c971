"""The commands: arguments in, files out, messages to the person; the work is done in core."""
