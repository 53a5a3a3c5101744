"""Secrets at rest: encrypted before they reach the database."""

from collections.abc import Callable
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken

from orchestrator.errors import SettingsInvalid
from storage.store import Store

SHELF = "mcp"  # under which name the notes of channels keep them


class KeptVault:
    """Keeps secrets in the database. The `key` is asked for when the first one comes or goes."""

    def __init__(self, store: Store, key: Callable[[], bytes]) -> None:
        self._store = store
        self._key = key

    @cached_property
    def _lock(self) -> Fernet:
        return Fernet(self._key())

    async def read(self, name: str) -> str | None:
        """Raises SettingsInvalid where the key is not the one that it was kept with, and StorageError."""
        kept = await self._store.noted(SHELF, name)
        if kept is None:
            return None
        try:
            return self._lock.decrypt(kept.encode()).decode()
        except InvalidToken:
            raise SettingsInvalid(
                "The key of the sign-ins (setting secret_key, or the file errand.key) is not the one that they were "
                "kept with: bring it back, or sign in anew after /signout."
            ) from None

    async def write(self, name: str, secret: str | None) -> None:
        kept = None if secret is None else self._lock.encrypt(secret.encode()).decode()
        await self._store.note(SHELF, {name: kept})

    async def names(self, prefix: str) -> list[str]:
        return list(await self._store.notes(SHELF, prefix))
