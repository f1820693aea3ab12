"""What a Statsig config spec means: values in, evaluation out. Standard library only, no I/O, no clock."""
