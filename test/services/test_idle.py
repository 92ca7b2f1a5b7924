"""Without anybody's requests the task leaves the database alone, so that Aurora can pause."""

import pytest
from idle import IDLE_SECONDS, IdleStack


@pytest.mark.timeout(IDLE_SECONDS + 120)
def test_database_is_left_alone_while_nobody_asks(idle: IdleStack) -> None:
    idle.wait()

    assert idle.statements() == []
    assert idle.connections() == 0
    assert set(idle.probed) == {200}
    assert len(idle.probed) >= 30


def test_a_request_would_have_been_seen(idle: IdleStack) -> None:
    before = len(idle.statements())

    idle.use_database()

    assert len(idle.statements()) > before
