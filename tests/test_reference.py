"""The reference is what the code says: it is made from it, and nobody has to remember."""

import pytest

from tests.reference import DOCS, pages


@pytest.mark.proves("docs.reference", "docs.settings")
async def test_the_reference_is_what_the_code_says_now() -> None:
    made = await pages()
    differ = [path for path, text in made.items() if not (DOCS / path).exists() or (DOCS / path).read_text() != text]
    assert differ == [], "`make docs` writes them anew"
    kept = {path.relative_to(DOCS).as_posix() for path in (DOCS / "reference").iterdir()}
    assert kept == {path for path in made if path.startswith("reference/")}
