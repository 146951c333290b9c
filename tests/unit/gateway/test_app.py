"""Opening a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.challenged import DIRECTORY, at_the_issuer, result_of
from tests.gateway_fixtures import stage

from tkkpg.gateway.threeds.messages import TransStatus
from tkkpg.gateway.threeds.scripted import ScriptedAuthenticator
from tkkpg.protocol.errors import ConfigurationError

pytestmark = pytest.mark.anyio


async def test_a_home_has_one_gateway_at_a_time(tmp_path: Path) -> None:
    async with stage(tmp_path):
        with pytest.raises(ConfigurationError):
            async with stage(tmp_path):
                pass


async def test_a_home_can_be_opened_again_after_it_was_left(tmp_path: Path) -> None:
    for _ in range(2):
        async with stage(tmp_path) as at:
            assert (await at.gateway.store.backlog()).open_transactions == 0


async def test_a_database_without_its_keys_is_not_opened(tmp_path: Path) -> None:
    async with stage(tmp_path):
        pass
    (tmp_path / "keys.toml").unlink()
    with pytest.raises(ConfigurationError, match="Restore it from its backup"):
        async with stage(tmp_path):
            pass
    assert not (tmp_path / "keys.toml").exists()


@pytest.mark.parametrize(
    ("fingerprint", "status"), [(DIRECTORY, 200), ("ef" * 32, 403), (None, 403)]
)
async def test_the_listener_for_results_hears_the_directory_alone(
    tmp_path: Path, fingerprint: str | None, status: int
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        answer = await scene.say(result_of(TransStatus.PROVED), fingerprint)
    assert answer.status_code == status
    assert b'"messageType":"Erro"' in answer.content


async def test_the_authenticator_is_closed_on_leaving(tmp_path: Path) -> None:
    closed: list[str] = []

    class Closing(ScriptedAuthenticator):
        async def aclose(self) -> None:
            closed.append("authenticator")

    async with stage(tmp_path, authenticator=Closing({})):
        assert closed == []
    assert closed == ["authenticator"]
