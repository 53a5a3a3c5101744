"""Every promise is proven by a test, and every proof is of a promise."""

from collections import Counter

import pytest

from tests.conftest import PROVEN, WHOLE_SUITE
from tests.requirements import PROMISES

FEATURE_ROWS = range(63)  # the founding feature list has rows 1 to 62; 0 is the design


def test_a_promise_has_one_id_and_known_rows() -> None:
    assert [each for each, count in Counter(promise.id for promise in PROMISES).items() if count > 1] == []
    assert all(row in FEATURE_ROWS for promise in PROMISES for row in promise.rows)


def test_every_promise_is_proven_and_every_proof_is_of_a_promise(request: pytest.FixtureRequest) -> None:
    """Looks at all collected tests, so it says something only where all were collected."""
    proven = request.config.stash[PROVEN]
    if not request.config.stash[WHOLE_SUITE]:
        pytest.skip("only a part of the tests was collected")
    written = {promise.id for promise in PROMISES}
    assert sorted(proven - written) == []
    assert sorted(written - proven - {promise.id for promise in PROMISES if promise.gap}) == []
