"""What is to be published: a spec, cut into pages, with ID lists in shards; checked against every limit beforehand."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from publisher.exit_codes import Unusable
from publisher.sources.pulled import Pulled, PulledList
from publisher.stores.port import Store
from specstore.cut import Cut, cut_project
from specstore.idlists import CutList, cut_list, read_lines
from specstore.limits import LimitExceeded, Write, check_writes
from specstore.plan import plan_lists, plan_publication


class Layout(StrEnum):
    """Which form the spec gets in the store."""

    BOTH = "both"
    RAW = "raw"
    PAGED = "paged"


class Wanted(NamedTuple):
    """A spec as it is to be published; `lists` is None where nothing is said of ID lists."""

    spec_key: str
    layout: Layout
    raw: bytes
    time: int
    cut: Cut
    lists: Mapping[str, CutList] | None = None

    @property
    def has_pages(self) -> bool:
        """Tell whether pages and a manifest are wanted."""
        return self.layout is not Layout.RAW

    @property
    def has_raw(self) -> bool:
        """Tell whether the raw spec is wanted."""
        return self.layout is not Layout.PAGED

    def list_writes(self) -> Iterator[Write]:
        """Yield everything that could have to be written, to be checked."""
        if self.has_raw:
            yield Write(self.spec_key, self.raw)
        if self.has_pages:
            yield from plan_publication(self.spec_key, self.cut).list_writes()
        if self.lists is not None:
            yield from plan_lists(self.spec_key, self.lists, {})


def prepare(pulled: Pulled, spec_key: str, layout: Layout) -> Wanted:
    """Read and cut what was pulled; raises Unusable."""
    try:
        project = decode_project(json.loads(pulled.spec))
    except (ValueError, RecursionError) as problem:
        raise Unusable(f"{pulled.origin or 'what was pulled'} is not JSON: {problem}") from problem
    except InvalidSpec as problem:
        raise Unusable(f"{pulled.origin or 'what was pulled'} is not a spec: {problem}") from problem
    cut = cut_project(project)
    time = cut.head.get("time", 0)
    lists = None if pulled.lists is None else {name: cut_pulled(one) for name, one in pulled.lists.items()}
    return Wanted(spec_key, layout, pulled.spec, time if isinstance(time, int) else 0, cut, lists)


def cut_pulled(pulled: PulledList) -> CutList:
    """Cut an ID list; its last line may not have arrived whole, and is then left for the next time."""
    whole = pulled.content[: pulled.content.rfind(b"\n") + 1]
    lines = whole.decode("ascii", "replace").splitlines()
    return cut_list(read_lines(lines), file_id=pulled.file_id, creation_time=pulled.creation_time, size=len(whole))


def check_limits(wanted: Wanted, store: Store) -> None:
    """Raise Unusable naming the first entry that the store would not take."""
    writes = tuple(wanted.list_writes())
    try:
        check_writes(writes)
    except LimitExceeded as problem:
        raise Unusable(str(problem)) from problem
    fault = next(filter(None, map(store.find_fault, writes)), None)
    if fault is not None:
        raise Unusable(fault)
