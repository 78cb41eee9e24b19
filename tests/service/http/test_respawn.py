"""Children that end at once, one after the other, are replaced ever more slowly, and never not at all."""

from automation.service.http.respawn import LONGEST_SECONDS, SOON_SECONDS, Respawn


def test_one_that_has_lived_for_a_while_is_replaced_without_a_pause() -> None:
    respawn = Respawn()

    assert [respawn.pause(lived=SOON_SECONDS) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_of_those_that_end_at_once_the_first_alone_is_replaced_without_a_pause() -> None:
    respawn = Respawn()

    assert [respawn.pause(lived=0.5) for _ in range(4)] == [0.0, 1.0, 2.0, 4.0]


def test_the_pause_has_a_bound() -> None:
    respawn = Respawn()

    assert [respawn.pause(lived=0.5) for _ in range(2000)][-1] == LONGEST_SECONDS


def test_it_begins_anew_with_one_that_lives() -> None:
    respawn = Respawn()
    for _ in range(5):
        respawn.pause(lived=0.5)

    assert [respawn.pause(lived=SOON_SECONDS), respawn.pause(lived=0.5), respawn.pause(lived=0.5)] == [0.0, 0.0, 1.0]
