"""What should be: pure values, validated at the door. No I/O."""
