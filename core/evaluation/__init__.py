"""What the numbers say: pictures and tables made from plain records."""
