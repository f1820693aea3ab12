from typing import Self

class PenaltyBox:
    @classmethod
    def open(cls, name: str) -> Self: ...

class RateCounter:
    @classmethod
    def open(cls, name: str) -> Self: ...
    def check_rate(
        self, entry: str, delta: int, window: int, limit: int, penalty_box: PenaltyBox, ttl: int
    ) -> bool: ...
