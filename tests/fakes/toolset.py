"""A source of tools that are only looked at."""

from orchestrator.tools.functions import Functions
from orchestrator.tools.spec import ToolSpec


class Given(Functions):
    """It offers whatever it is given."""

    def __init__(self, *specs: ToolSpec) -> None:
        super().__init__([])
        self._specs = list(specs)

    def specs(self) -> list[ToolSpec]:
        return self._specs
