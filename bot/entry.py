"""Where the process begins: garbage is looked for more rarely than Python does by itself.

Nearly all that a start makes are modules, which stay. With Python's threshold of 700 objects they are looked through
again and again, for a quarter of the start's time.
"""

import gc

RARELY = (10_000, 50, 20)  # objects made before the young are looked through, and how often before the older ones are


def main() -> None:
    """The `errand` command."""
    gc.set_threshold(*RARELY)
    from bot.cli import main as errand  # noqa: PLC0415 - its import is most of the start

    errand()
