"""The key that secrets are encrypted with: the setting's, or one that is made once and kept beside the data."""

import base64
import hashlib
import os

from cryptography.fernet import Fernet

from bot.settings import Settings, files_folder
from orchestrator.errors import SettingsInvalid

FILE = "errand.key"


def secret_key(settings: Settings) -> bytes:
    """A key for Fernet. Raises SettingsInvalid where the file cannot be made or read."""
    if settings.secret_key is not None:
        given = settings.secret_key.get_secret_value().encode()
        return base64.urlsafe_b64encode(hashlib.sha256(given).digest())
    file = files_folder(settings).with_name(FILE)
    try:
        new = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(new, Fernet.generate_key())
        os.close(new)
    except FileExistsError:
        pass
    except OSError as error:
        raise SettingsInvalid(f"The key of the sign-ins cannot be kept in {file}: {error}. Set secret_key.") from error
    return file.read_bytes()
