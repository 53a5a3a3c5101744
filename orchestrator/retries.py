"""How often something is tried again after trouble that may pass, and how long it waits before each further try."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` further tries. The first pause is `pause_seconds`; each further one is twice as long."""

    most: int = 1
    pause_seconds: float = 0.25

    def pauses(self) -> Iterator[float]:
        """Seconds to wait after each try; infinite after the last one.

        A bit different each time, so that many turns that met the same trouble do not come back together.
        """
        for number in range(self.most):
            yield self.pause_seconds * 2**number * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        yield math.inf


ONCE = Retries()
