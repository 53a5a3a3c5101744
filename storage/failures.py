"""From the databases' and the system's own errors to ours, at this one place."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError, StatementError

from storage.errors import StorageBusy, StorageError, StorageFull, StorageGone, StorageReadOnly, StorageUnreadable

SQLITE = {  # primary result codes, sqlite.org/rescode.html
    5: StorageBusy,  # SQLITE_BUSY
    6: StorageBusy,  # SQLITE_LOCKED
    8: StorageReadOnly,  # SQLITE_READONLY
    11: StorageUnreadable,  # SQLITE_CORRUPT
    13: StorageFull,  # SQLITE_FULL
    26: StorageUnreadable,  # SQLITE_NOTADB
}
SQLITE_FOREIGN_KEY = 787  # the extended code of a row that would point nowhere
POSTGRESQL = {  # SQLSTATE, appendix A of its manual
    "23503": StorageGone,  # foreign_key_violation
    "25006": StorageReadOnly,  # read_only_sql_transaction, as on a standby
    "40001": StorageBusy,  # serialization_failure
    "40P01": StorageBusy,  # deadlock_detected
    "53100": StorageFull,  # disk_full
    "53300": StorageBusy,  # too_many_connections
    "55P03": StorageBusy,  # lock_not_available: lock_timeout has passed
}
SYSTEM = {
    errno.EACCES: StorageReadOnly,
    errno.EPERM: StorageReadOnly,
    errno.EROFS: StorageReadOnly,
    errno.ENOSPC: StorageFull,
}


@contextmanager
def told() -> Iterator[None]:
    """Lets the errors of the database and of the system out as ours."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise _ours(error) from error


def _ours(error: SQLAlchemyError | OSError) -> StorageError:
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    if isinstance(cause, StorageError):  # raised by a column type of ours, and wrapped on its way out
        return cause
    kind = _kind(cause)
    if kind is None:
        return StorageError(f"The database could not do this: {str(cause).partition(chr(10))[0]}")
    return kind()


def _kind(cause: BaseException) -> type[StorageError] | None:
    if isinstance(cause, OSError):
        return SYSTEM.get(cause.errno or 0)
    code = getattr(cause, "sqlite_errorcode", None)
    if code == SQLITE_FOREIGN_KEY:
        return StorageGone
    if code is not None:
        return SQLITE.get(code & 0xFF)
    return POSTGRESQL.get(getattr(cause, "sqlstate", None) or "")
