"""A pace that keeps what was counted, and holds nobody up."""

from automation.engine.expressions.pace import Pace


class Counting(Pace):
    """Keeps how many steps were counted at a time, and knows how many that were together."""

    __slots__ = ("counted",)

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.counted: list[int] = []

    @property
    def steps(self) -> int:
        return sum(self.counted)

    def step(self, count: int = 1) -> None:
        self.counted.append(count)
