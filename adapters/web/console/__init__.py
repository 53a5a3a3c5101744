"""The console: what admins look at, and the few things that they do there."""
