"""A key and a tenant header become a principal, remembered or not."""

import asyncio
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyTenantMismatch,
    AutomationError,
    InvalidParameter,
)
from security.authenticator import Authenticator
from tests.security.directories import Clock, MemoryDirectory

UNKNOWN = UUID("c2f1a1de-6d55-4d7f-8a5e-0d7c9c0b0a11")


async def test_a_key_becomes_its_principal(directory: MemoryDirectory, authenticator: Authenticator) -> None:
    stored = directory.add()

    principal = await authenticator.resolve(stored.key.plaintext, None)

    assert principal == stored.principal


async def test_garbage_is_refused_without_a_look_up(directory: MemoryDirectory, authenticator: Authenticator) -> None:
    with pytest.raises(ApiKeyInvalid):
        await authenticator.resolve("ak_" + "0" * 49, None)

    assert directory.lookups == []


class TestAnExpiringKey:
    async def test_is_refused_the_moment_it_expires_although_remembered(
        self, directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
    ) -> None:
        key = directory.add(expires_at=clock() + 0.5).key.plaintext
        await authenticator.resolve(key, None)

        clock.advance(0.5)

        with pytest.raises(ApiKeyExpired):
            await authenticator.resolve(key, None)
        assert len(directory.lookups) == 1

    async def test_works_until_then(
        self, directory: MemoryDirectory, authenticator: Authenticator, clock: Clock
    ) -> None:
        stored = directory.add(expires_at=clock() + 0.5)
        await authenticator.resolve(stored.key.plaintext, None)

        clock.advance(0.4)

        assert await authenticator.resolve(stored.key.plaintext, None) == stored.principal


class TestALimitedKey:
    async def test_is_let_in_as_often_as_its_limit_says(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add(usage_limit=3)

        for _ in range(3):
            await authenticator.resolve(stored.key.plaintext, None)

        assert stored.usage_count == 3
        with pytest.raises(ApiKeyOverLimit):
            await authenticator.resolve(stored.key.plaintext, None)

    async def test_is_counted_exactly_when_everyone_comes_at_once(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add(usage_limit=7)

        outcomes = await asyncio.gather(
            *(authenticator.resolve(stored.key.plaintext, None) for _ in range(50)), return_exceptions=True
        )

        assert outcomes.count(stored.principal) == 7
        assert sum(isinstance(outcome, ApiKeyOverLimit) for outcome in outcomes) == 43

    async def test_takes_one_look_up_a_request_once_it_is_known(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        key = directory.add(usage_limit=10).key.plaintext
        await authenticator.resolve(key, None)
        directory.lookups.clear()

        await asyncio.gather(*(authenticator.resolve(key, None) for _ in range(5)))

        assert len(directory.lookups) == 5

    async def test_is_not_counted_for_another_tenant(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add(usage_limit=1)

        for _ in range(2):
            with pytest.raises(ApiKeyTenantMismatch):
                await authenticator.resolve(stored.key.plaintext, str(uuid4()))

        assert stored.usage_count == 0

    async def test_is_not_counted_for_a_malformed_tenant(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add(usage_limit=1)

        for _ in range(2):
            with pytest.raises(InvalidParameter):
                await authenticator.resolve(stored.key.plaintext, "acme")

        assert stored.usage_count == 0

    async def test_that_is_used_up_is_first_asked_for_a_tenant_that_makes_sense(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        key = directory.add(usage_limit=0).key.plaintext

        with pytest.raises(InvalidParameter):
            await authenticator.resolve(key, "acme")
        with pytest.raises(ApiKeyTenantMismatch):
            await authenticator.resolve(key, str(uuid4()))

    async def test_is_not_written_behind(self, directory: MemoryDirectory, authenticator: Authenticator) -> None:
        await authenticator.resolve(directory.add(usage_limit=2).key.plaintext, None)

        await authenticator.stop()

        assert directory.touched == []

    async def test_may_lose_its_limit(self, directory: MemoryDirectory, authenticator: Authenticator) -> None:
        stored = directory.add(usage_limit=2)
        await authenticator.resolve(stored.key.plaintext, None)
        stored.usage_limit = None
        directory.lookups.clear()

        for _ in range(5):
            await authenticator.resolve(stored.key.plaintext, None)

        assert len(directory.lookups) == 2


class TestATenantHeader:
    async def test_of_the_keys_own_tenant_is_taken_in_either_case(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        stored = directory.add()
        tenant = str(stored.principal.tenant)

        found = {await authenticator.resolve(stored.key.plaintext, text) for text in (tenant, tenant.upper())}

        assert found == {stored.principal}

    @pytest.mark.parametrize("tenant", ["", "acme", UNKNOWN.hex, f"{{{UNKNOWN}}}", f"{UNKNOWN}, {UNKNOWN}"])
    @pytest.mark.parametrize("usage_limit", [None, 5])
    async def test_that_is_no_uuid_is_an_invalid_parameter(
        self, directory: MemoryDirectory, authenticator: Authenticator, tenant: str, usage_limit: int | None
    ) -> None:
        key = directory.add(usage_limit=usage_limit).key.plaintext

        with pytest.raises(InvalidParameter) as raised:
            await authenticator.resolve(key, tenant)

        assert [violation.parameter for violation in raised.value.violations] == ["x-tenant-id"]

    @pytest.mark.parametrize("usage_limit", [None, 5])
    async def test_that_is_no_uuid_comes_after_what_is_wrong_with_the_key(
        self, directory: MemoryDirectory, authenticator: Authenticator, clock: Clock, usage_limit: int | None
    ) -> None:
        stored = directory.add(expires_at=clock() + 0.5, usage_limit=usage_limit)
        await authenticator.resolve(stored.key.plaintext, None)
        clock.advance(0.5)

        with pytest.raises(AutomationError) as raised:
            await authenticator.resolve(stored.key.plaintext, "acme")

        assert type(raised.value) is ApiKeyExpired

    async def test_of_another_tenant_is_refused_although_the_key_is_remembered(
        self, directory: MemoryDirectory, authenticator: Authenticator
    ) -> None:
        key = directory.add().key.plaintext
        await authenticator.resolve(key, None)

        with pytest.raises(ApiKeyTenantMismatch):
            await authenticator.resolve(key, str(uuid4()))

        assert len(directory.lookups) == 1
