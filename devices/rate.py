"""How much a device may say: a bucket of tokens that fills with time. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """`burst` at once, `per_s` in the long run."""

    per_s: float
    burst: int
    refused: int = field(default=0, init=False)
    """since it last had room for `burst`"""
    _tokens: float = field(init=False)
    _at_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)

    def take(self, at_s: float) -> bool:
        """Whether one more fits at this time, which never goes back."""
        if self._at_s is not None:
            self._tokens = min(float(self.burst), self._tokens + (at_s - self._at_s) * self.per_s)
        self._at_s = at_s
        if self._tokens >= self.burst:
            self.refused = 0
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        return True
