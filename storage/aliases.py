"""Aliases: what stands for a person or a conversation where nothing is changed once it is written.

Forgetting somebody takes the alias' row away: what was written stays, and says nothing about them any more.
"""

import secrets
from collections.abc import Collection

from sqlalchemy import Connection, delete, select, union

from storage.rows import upsert
from storage.tables import aliases, audit, declined


def person_name(channel: str, person: str) -> str:
    """The name of a person among the aliases."""
    return f"{channel}:{person}"


def alias_of(connection: Connection, kind: str, name: str) -> tuple[str, str]:
    """What stands for a "person" or a "session" of this name, made where there is none, and the key of its digests."""
    mine = select(aliases.c.alias, aliases.c.key).where(aliases.c.kind == kind, aliases.c.name == name)
    if (there := connection.execute(mine).first()) is None:
        new = {"alias": f"{kind}-{secrets.token_hex(6)}", "kind": kind, "name": name, "key": secrets.token_hex(16)}
        one = upsert(connection, aliases).values(new).on_conflict_do_nothing(index_elements=["kind", "name"])
        connection.execute(one)
        there = connection.execute(mine).one()  # somebody else may have made it meanwhile
    return there.alias, there.key


def known(connection: Connection, kind: str, names: Collection[str]) -> list[str]:
    """The aliases of these names, as far as there are some."""
    mine = select(aliases.c.alias).where(aliases.c.kind == kind, aliases.c.name.in_(names))
    return list(connection.execute(mine).scalars())


def forget(connection: Connection, known: Collection[str]) -> int:
    """Let nobody know any more who is behind these aliases. How many there were."""
    return connection.execute(delete(aliases).where(aliases.c.alias.in_(known))).rowcount


def forget_unused(connection: Connection) -> None:
    """Forget the aliases that stand nowhere any more."""
    places = (audit.c.person, audit.c.session, declined.c.person)
    used = union(*(select(place).where(place.is_not(None)) for place in places))
    connection.execute(delete(aliases).where(aliases.c.alias.not_in(used)))
