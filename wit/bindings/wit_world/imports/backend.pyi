from typing import Self

class Backend:
    @classmethod
    def open(cls, name: str) -> Self: ...
