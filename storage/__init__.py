"""What must outlive the process: inbox, sessions, plans, turns and outbox, in SQLite or PostgreSQL."""
