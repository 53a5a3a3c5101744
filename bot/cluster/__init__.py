"""Many machines: channels and workers as processes of their own, on one PostgreSQL database."""
