"""`python -m bot` is the `errand` command."""

from bot.entry import main

main()
