"""The HTTP API: the channel "api", for programs. docs/api.md is for who uses it."""
