"""Output counts as the same but for what is new each time."""

from tests.docs.printed import same_json, same_text


def test_what_is_new_each_time_may_differ() -> None:
    assert same_text(
        "id 7c9e6679-7425-40de-944b-e07fc1f90ae7\nat 2026-11-23T22:05:44.775076Z\n",
        "id   3f2504e0-4f89-41d3-9a0c-0305e82c3301  \nat   2026-11-02T09:00:00Z",
    )
    assert same_json('{"duration_ms": 2, "to": "127.0.0.1:41"}', '{ "to": "127.0.0.1:8081", "duration_ms": 4.5 }')


def test_everything_else_may_not() -> None:
    assert not same_text("failed", "completed")
    assert not same_text("completed", "completed\ncompleted")
    assert not same_json('{"status": "failed"}', '{"status": "completed"}')
    assert not same_json('{"status": "failed"}', '{"status": "failed", "error": null}')
    assert not same_json('{"duration_ms": null}', '{"duration_ms": 4.5}')
    assert not same_json("[1, 2]", "[1]")
