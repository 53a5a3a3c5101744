"""`python -m bot` is the `errand` command."""

from bot.cli import main

main()
