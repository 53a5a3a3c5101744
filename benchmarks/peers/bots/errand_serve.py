"""`errand serve`, which keeps to what Telegram allows in a chat: that is lifted, as nobody else keeps to it."""

import adapters.telegram.pacing
from adapters.pacing import Limit
from bot.entry import main

adapters.telegram.pacing.IN_A_CHAT = Limit(1000, 1.0)

if __name__ == "__main__":
    main()
