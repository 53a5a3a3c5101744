"""The contenders, each in its own environment: they import nothing of the benchmark."""
