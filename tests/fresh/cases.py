"""Cases of stories, with the machine and the user of each: two rows, one for each core."""

from dataclasses import dataclass

THIS_MACHINE = "this machine"
DEBIANS = ("bookworm", "trixie")
ROOT, ORDINARY = "root", "an ordinary user"


@dataclass(frozen=True, slots=True)
class Case:
    """A story on a machine.

    Args:
        machine: This one, or the name of a Debian release.
        who: Root or an ordinary user.
        story: What is done; the name of a function of ``stories``.
        online: Whether pip finds a way to its index.
    """

    machine: str
    who: str
    story: str
    online: bool = True

    def __str__(self) -> str:
        return f"{self.story.replace('_', ' ')}, as {self.who}, on {self.machine}"


ROWS: tuple[tuple[Case, ...], ...] = (
    (
        Case(THIS_MACHINE, ROOT, "the_first_command"),
        Case(THIS_MACHINE, ORDINARY, "the_runtime_alone"),
        Case(THIS_MACHINE, ORDINARY, "with_an_old_python"),
        Case(THIS_MACHINE, ORDINARY, "without_network", online=False),
        Case(THIS_MACHINE, ORDINARY, "without_a_writable_checkout"),
        Case("bookworm", ROOT, "the_first_command"),
    ),
    (
        Case(THIS_MACHINE, ORDINARY, "the_first_command"),
        Case(THIS_MACHINE, ORDINARY, "with_the_port_taken"),
        Case(THIS_MACHINE, ROOT, "the_second_command"),
        Case("trixie", ORDINARY, "without_venv"),
        Case("trixie", ORDINARY, "the_first_command"),
    ),
)
