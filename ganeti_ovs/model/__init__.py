"""What is desired: pure values, validated when they are made. No I/O."""
