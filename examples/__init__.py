"""Programs to copy from. Each one runs by itself, and in the tests."""
