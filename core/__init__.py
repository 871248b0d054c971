"""The library behind the commands: no argument parsing, no printing. ARCHITECTURE.md describes its rooms."""
