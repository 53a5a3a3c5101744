"""The tests, and the programs that they start: garbage is looked for as rarely as in the program itself."""

import gc

from bot.entry import RARELY

gc.set_threshold(*RARELY)
