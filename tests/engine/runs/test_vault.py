"""Secrets in a run: looked up as each action begins, and taken out of all that the run stores."""

from automation.engine.actions import ActionFailed, ActionResult
from automation.storage.runs import Finished
from tests.engine.runs.scripted import Rehearsal, Script, say


async def test_a_value_is_looked_up_when_an_action_begins() -> None:
    script = Script()
    secrets: dict[str, str | None] = {"TOKEN": "the first value"}
    rehearsal = Rehearsal(script, (say(new="${secrets.TOKEN}"), say(new="${secrets.TOKEN}")), secrets=secrets)
    script.meanwhile = lambda: secrets.update({"TOKEN": "the second value"})

    await rehearsal.go()

    assert [config["new"] for config in script.configs] == ["the first value", "the second value"]


async def test_what_one_action_sent_is_taken_out_of_the_answer_to_another() -> None:
    told = ActionResult({"echo": "a value that is secret"}, {"again": "a value that is secret"})
    rehearsal = Rehearsal(
        Script([ActionResult(), told]),
        (say(new="${secrets.TOKEN}"), say(new="nothing")),
        secrets={"TOKEN": "a value that is secret"},
    )

    _, ledger, _ = await rehearsal.go()

    assert "a value that is secret" not in str(ledger.written)
    assert ("action", 1, {"echo": "***"}, False) in ledger.written


async def test_an_error_tells_no_value() -> None:
    failure = ActionFailed("it refused a value that is secret", definite=True, retryable=False)
    rehearsal = Rehearsal(
        Script([failure]), (say(new="${secrets.TOKEN}"),), secrets={"TOKEN": "a value that is secret"}
    )

    ending, _, messages = await rehearsal.go()

    assert isinstance(ending, Finished)
    assert "it refused ***" in str(ending.error_message)
    assert "a value that is secret" not in f"{ending} {messages}"


async def test_a_secret_that_is_gone_fails_the_action_that_names_it() -> None:
    ending, _, _ = await Rehearsal(Script(), (say(new="${secrets.GONE}"),)).go()

    assert isinstance(ending, Finished)
    assert "there is no secret GONE" in str(ending.error_message)


async def test_what_a_rule_holds_in_plain_and_reads_hide_is_told_by_no_run() -> None:
    echo = {"headers": {"authorization": "Bearer sesame-open"}, "token": "sesame-open", "kind": "visible"}
    failure = ActionFailed("it refused sesame-open", definite=True, retryable=False, metadata={"body": echo})
    rehearsal = Rehearsal(
        Script([ActionResult({"body": echo}, {"body": str(echo)}), failure]),
        (say(new={"Authorization": "Bearer sesame-open", "kind": "visible"}), say(new="nothing")),
    )

    ending, ledger, messages = await rehearsal.go()

    assert isinstance(ending, Finished)
    assert "it refused ***" in str(ending.error_message)
    assert "sesame" not in f"{ending} {messages} {ledger.written}"
    assert ledger.written[1][2] == {"body": {"headers": {"authorization": "***"}, "token": "***", "kind": "visible"}}
