"""What storage lets out: its own errors, each with a sentence for a person.

StorageError
├── StorageFull          no space left: nothing was written
├── StorageReadOnly      the file or its folder cannot be written
├── StorageBusy          another program holds the database
├── StorageUnreadable    the file is damaged, or no database
├── StorageMissing       there is no file
├── StorageFileUnknown   no file is kept under this id: trying again does not help
├── StorageTextUnstorable  text with NUL or half a surrogate pair: trying again does not help
├── StorageGone          a row that this points to is gone, or one that it deletes is needed: the same would fail again
├── StorageOutdated      others have written what this was decided by: it is to be decided anew
└── StorageTaken         another Errand runs on this database
"""


class StorageError(Exception):
    """The database could not do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class StorageFull(StorageError):
    """The disk is full."""


class StorageReadOnly(StorageError):
    """The database cannot be written."""


class StorageBusy(StorageError):
    """Another program holds the database."""


class StorageUnreadable(StorageError):
    """The database file is damaged, or is no database."""


class StorageMissing(StorageError):
    """There is no database."""


class StorageGone(StorageError):
    """What this belongs to has been deleted meanwhile, or something new belongs to what this deletes."""


class StorageOutdated(StorageError):
    """Somebody else has just changed this."""


class StorageTaken(StorageError):
    """Another Errand is already running on this database."""


class StorageFileUnknown(StorageError):
    """This file is not kept here."""


class StorageTextUnstorable(StorageError):
    """This text cannot be stored."""
