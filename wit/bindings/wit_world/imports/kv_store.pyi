from enum import Enum
from typing import Self

from wit_world.imports.async_io import Pollable

class Entry:
    def take_body(self) -> Pollable | None: ...
    def generation(self) -> int: ...
    def metadata(self, max_len: int) -> str | None: ...

class KvError_PreconditionFailed: ...  # the name that the builder generates

class InsertMode(Enum):
    OVERWRITE = 0
    ADD = 1

class InsertOptions:
    def __init__(
        self,
        background_fetch: bool,
        if_generation_match: int | None,
        metadata: str | None,
        time_to_live_sec: int | None,
        mode: InsertMode,
        extra: None,
    ) -> None: ...

class ListMode(Enum):
    STRONG = 0
    EVENTUAL = 1

class ListOptions:
    def __init__(
        self, mode: ListMode, cursor: str | None, limit: int | None, prefix: str | None, extra: None
    ) -> None: ...

class Store:
    @classmethod
    def open(cls, name: str) -> Self: ...
    def lookup_async(self, key: str) -> Pollable: ...
    def insert_async(self, key: str, body: Pollable, options: InsertOptions) -> Pollable: ...
    def delete_async(self, key: str) -> Pollable: ...
    def list_async(self, options: ListOptions) -> Pollable: ...

def await_lookup(handle: Pollable) -> Entry | None: ...
def await_insert(handle: Pollable) -> None: ...
def await_delete(handle: Pollable) -> bool: ...
def await_list(handle: Pollable) -> Pollable: ...
