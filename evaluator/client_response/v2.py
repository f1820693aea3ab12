"""The v2 format: v1 with keys in place of exposures, and the exposures in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluator.client_response import v1

if TYPE_CHECKING:
    from evaluator.client_response.entries import Entry
    from evaluator.client_response.kept import Kept
    from evaluator.client_response.options import ResponseOptions
    from evaluator.spec import Exposure


class Writer(v1.Writer):
    """Collects the exposures that entries refer to."""

    __slots__ = ("_exposures",)

    def __init__(self, kept: Kept, options: ResponseOptions) -> None:
        super().__init__(kept, options)
        self._form = "v2" if self.shows_id_type else "v2 without ID types"
        self._exposures: dict[str, Exposure] = {}

    def start_entry(self, entry: Entry) -> str:
        """Write an entry up to its exposures; the core leaves out which rule gave each parameter."""
        entry.pop("parameter_rule_ids", None)
        return super().start_entry(entry)

    def refer(self, exposure: Exposure) -> str:
        """Return the key of an exposure."""
        key = self.kept.find_exposure_key(exposure)
        self._exposures[key] = exposure
        return key

    def tables(self) -> dict[str, str]:
        """Return the table of exposures."""
        find = self.kept.find_exposure
        return {"exposures": "{" + ",".join([f"{key}:{find(one)}" for key, one in self._exposures.items()]) + "}"}
