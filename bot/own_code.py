"""The operator's own code, named in settings by its module: functions as tools, and an embedder."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrator.errors import SettingsInvalid
from orchestrator.tools.embedding import Embedder
from orchestrator.tools.functions import Registered, functions_in


def own_functions(modules: str) -> list[Registered]:
    """The functions with `@tool` of modules such as "mytools, shop.tools". Raises SettingsInvalid."""
    names = [name.strip() for name in modules.split(",") if name.strip()]
    found = [each for name in names for each in _functions_of(name)]
    return list({id(each): each for each in found}.values())


def own_embedder(name: str) -> Embedder | None:
    """What an entry such as "mytools:embedder" names; None where it is empty. Raises SettingsInvalid."""
    if not name:
        return None
    module, _, attribute = name.partition(":")
    found: Any = getattr(_module(module, "embedder"), attribute or "embedder", None)
    if not callable(getattr(found, "embed", None)):
        raise SettingsInvalid(
            f"The setting 'embedder' names {name!r}, which has no `async def embed(texts)`. Write it as module:name."
        )
    embedder: Embedder = found
    return embedder


def _functions_of(name: str) -> list[Registered]:
    if found := functions_in(_module(name, "functions")):
        return found
    raise SettingsInvalid(f"The setting 'functions' names {name!r}, which has no function with @tool.")


def _module(name: str, setting: str) -> ModuleType:
    """The module, looked for in this folder too: a command on the PATH does not see it by itself."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except SettingsInvalid:
        raise
    except Exception as error:  # an edge: the operator's own code may raise anything while it is imported
        raise SettingsInvalid(
            f"The setting {setting!r} names {name!r}, which cannot be imported: {type(error).__name__}: {error}"
        ) from error
