class Err[E](Exception):
    value: E
    def __init__(self, value: E) -> None: ...

class Ok[T]:
    value: T
    def __init__(self, value: T) -> None: ...
