"""What passes between a service and its host, whatever binds the two.

| WIT | Python |
| --- | --- |
| bool, integers, floats, char, string | bool, int, float, str, str |
| list<u8>, list<T>, tuple, record | bytes, list, tuple, dict with the names of the WIT |
| option | None or the value |
| result | the value, or an `Err` |
| variant | `Case`, or the bare name of a case without payload |
| enum, flags | str, frozenset of str |
| own, borrow | the object itself, kept in `Handles` while the guest holds it |
"""

import itertools
from collections.abc import Mapping
from typing import ClassVar, NamedTuple


class Err(Exception):  # it is WIT's `err`: an expected outcome, raised or returned
    """The `err` case of a result; host functions raise it."""

    def __init__(self, payload: object = None) -> None:
        super().__init__(payload)
        self.payload = payload


class Case(NamedTuple):
    """A case of a variant."""

    name: str
    payload: object = None


class Resource:
    """An object that guests hold by a handle."""

    def drop(self) -> None:
        """Let go of it: the guest did; most have nothing to do."""


class Interface:
    """The functions of one WIT interface, for one sandbox."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {}


class MissingFunction(Exception):
    """The guest called a function that this host does not have."""


class Handles:
    """The host's objects that one sandbox holds, by the number the guest knows them by."""

    def __init__(self) -> None:
        self._objects: dict[int, object] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, number: int) -> bool:
        return number in self._objects

    def add(self, value: object) -> int:
        """Give an object to the guest."""
        number = next(self._numbers)
        self._objects[number] = value
        return number

    def get(self, number: int) -> object:
        """Find an object that the guest lends."""
        return self._objects[number]

    def take(self, number: int) -> object:
        """Take back an object that the guest gives or drops."""
        return self._objects.pop(number)

    def drain(self) -> list[object]:
        """Take back everything."""
        objects, self._objects = list(self._objects.values()), {}
        return objects


def drop_resource(value: object) -> None:
    """Tell an object that the guest let it go."""
    if isinstance(value, Resource):
        value.drop()
