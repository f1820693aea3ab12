"""A publication writes what is new in the right order, and leaves something to be served wherever it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from devhost.apis.trouble import Trouble
from devhost.fastly.kv import KvStore
from publisher.exit_codes import Conflict, Unusable
from publisher.publication.lease import LEASE_MS, Holder, encode_holder, leased, name_host, now_ms
from publisher.publication.marks import decode_mark
from publisher.publication.publish import Published, Rules, publish
from publisher.publication.wanted import Layout, prepare
from publisher.sources.pulled import Pulled
from publisher.stores.folder import FolderStore
from publisher.stores.port import Store, StoreProblem
from specstore.keys import lease_key, manifest_key, page_prefix, version_prefix
from specstore.limits import Write
from specstore.plan import encode_retired
from tests.publisher.four_stores import KINDS, open_fastly, open_store
from tests.publisher.kv_server import KvServer, running_store
from tests.publisher.made_specs import KEY, make_list, make_wanted, read_answering, read_lists

LISTS = {"a": make_list(10_000), "b": make_list(3_000, salt=7)}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def server() -> Iterator[KvServer]:
    with running_store(KvStore()) as running:
        yield running


def test_a_first_publication_writes_everything_and_answers_from_pages(store: Store) -> None:
    found = publish(store, make_wanted(1, LISTS))
    assert found.written.keys() == {"pages", "shards", "digests", "index", "raw", "manifest"}
    assert read_answering(store) == ("pages", 1)
    assert [len(one) // 6 for one in read_lists(store).values()] == [10_000, 3_000]
    assert store.find(lease_key(KEY)) is None


def test_the_same_again_writes_nothing(store: Store) -> None:
    publish(store, make_wanted(1, LISTS))
    assert publish(store, make_wanted(1, LISTS)).written == {}


def test_a_change_writes_only_what_changed(store: Store) -> None:
    publish(store, make_wanted(1, LISTS))
    found = publish(store, make_wanted(2, LISTS))
    assert found.written == {"pages": 2, "raw": 1, "version": 1, "manifest": 1}
    assert read_answering(store) == ("pages", 2)


def test_a_list_that_grew_writes_the_shards_that_changed(store: Store) -> None:
    publish(store, make_wanted(1, LISTS))
    found = publish(store, make_wanted(1, {**LISTS, "b": make_list(3_001, salt=7)}))
    assert found.written == {"digests": 2, "shards": 1, "index": 1}
    assert [len(one) // 6 for one in read_lists(store).values()] == [10_000, 3_001]


def test_lists_that_nobody_spoke_of_stay(store: Store) -> None:
    publish(store, make_wanted(1, LISTS))
    publish(store, make_wanted(2))
    assert read_lists(store).keys() == LISTS.keys()
    publish(store, make_wanted(3, {"a": LISTS["a"]}))
    assert read_lists(store).keys() == {"a"}


def test_the_raw_spec_says_whose_it_is(store: Store) -> None:
    publish(store, make_wanted(1))
    raw = store.find(KEY)
    assert raw is not None
    mark = decode_mark(raw.metadata)
    assert mark is not None
    assert (mark.time, raw.value) == (make_wanted(1).time, make_wanted(1).raw)
    assert mark.by
    assert now_ms() - mark.at < 60_000


def test_the_raw_layout_makes_an_earlier_manifest_step_back(store: Store) -> None:
    publish(store, make_wanted(1))
    found = publish(store, make_wanted(2, layout=Layout.RAW))
    assert found.written == {"raw": 1}
    assert read_answering(store) == ("raw", 2)
    assert publish(store, make_wanted(2)).written == {"pages": 2, "raw": 1, "version": 1, "manifest": 1}
    assert read_answering(store) == ("pages", 2)


def test_the_paged_layout_needs_no_raw_spec(store: Store) -> None:
    assert publish(store, make_wanted(1, layout=Layout.PAGED)).written.keys() == {"pages", "manifest"}
    assert store.find(KEY) is None
    assert read_answering(store) == ("pages", 1)


def test_pages_of_the_raw_spec_that_somebody_else_writes_follow_it(folder: FolderStore) -> None:
    folder.write(Write(KEY, make_wanted(1).raw))
    publish(folder, make_wanted(1, layout=Layout.PAGED))
    assert read_answering(folder) == ("pages", 1)
    folder.write(Write(KEY, make_wanted(2).raw))
    assert read_answering(folder) == ("raw", 2)
    with pytest.raises(Unusable, match="somebody else's"):
        publish(folder, make_wanted(3, layout=Layout.PAGED))


@pytest.mark.parametrize("kind", ["cloudflare", "redis"])
def test_pages_cannot_follow_where_there_are_no_generations(tmp_path: Path, kind: str) -> None:
    with open_store(kind, tmp_path) as store:
        store.write(Write(KEY, make_wanted(1).raw))
        with pytest.raises(Unusable, match=f"and {kind} has none"):
            publish(store, make_wanted(1, layout=Layout.PAGED))
        assert read_answering(store) == ("raw", 1)


def test_a_canary_stands_beside_the_live_spec(store: Store) -> None:
    publish(store, make_wanted(1))
    publish(store, make_wanted(2)._replace(spec_key="statsig-next"))
    assert read_answering(store) == ("pages", 1)
    assert read_answering(store, "statsig-next") == ("pages", 2)


def test_an_older_spec_is_refused_unless_it_is_asked_for(store: Store) -> None:
    publish(store, make_wanted(2))
    with pytest.raises(Conflict, match="a newer spec"):
        publish(store, make_wanted(1))
    assert read_answering(store) == ("pages", 2)
    publish(store, make_wanted(1), Rules(allow_older=True))
    assert read_answering(store) == ("pages", 1)


def test_an_older_spec_than_that_of_somebody_else_is_refused(store: Store) -> None:
    store.write(Write(KEY, make_wanted(5).raw))
    with pytest.raises(Conflict, match="a newer spec"):
        publish(store, make_wanted(4))
    publish(store, make_wanted(6))
    assert read_answering(store) == ("pages", 6)


def test_a_value_that_is_no_spec_is_written_over(store: Store) -> None:
    store.write(Write(KEY, b"{broken"))
    store.write(Write(manifest_key(KEY), b"broken"))
    publish(store, make_wanted(1))
    assert read_answering(store) == ("pages", 1)


@pytest.mark.parametrize("spec", [b"", b"[]", b'{"feature_gates": 5}', b"\xff"])
def test_what_is_no_spec_is_refused(spec: bytes) -> None:
    with pytest.raises(Unusable, match="the file is not"):
        prepare(Pulled(spec, origin="the file"), KEY, Layout.BOTH)


def test_limits_are_checked_before_anything_is_written(folder: FolderStore) -> None:
    wanted = make_wanted(1)._replace(raw=b" " * 25_000_001)
    with pytest.raises(Unusable, match="Fastly takes 25,000,000"):
        publish(folder, wanted)
    with pytest.raises(Unusable, match="does not take there"):
        publish(folder, make_wanted(1)._replace(spec_key="bad#key"))
    assert not folder.folder.exists()


def test_a_page_that_is_retired_is_written_again(folder: FolderStore) -> None:
    publish(folder, make_wanted(1))
    key = next(iter(folder.list_keys(page_prefix(KEY))))
    folder.write(Write(f"gatelet/{KEY}/retired", encode_retired({f"page/{key.removeprefix(page_prefix(KEY))}": 1})))
    assert publish(folder, make_wanted(1)).written == {"pages": 1}


def test_a_list_whose_edition_is_retired_is_written_whole(folder: FolderStore) -> None:
    publish(folder, make_wanted(1, LISTS))
    wanted = make_wanted(1, LISTS)
    assert wanted.lists is not None
    about = wanted.lists["b"].about
    folder.write(Write(f"gatelet/{KEY}/retired", encode_retired({f"list/{about.name_edition('b')}": 1})))
    assert publish(folder, wanted).written == {"shards": about.shards, "digests": 1}


def test_the_manifest_that_is_replaced_is_kept(folder: FolderStore) -> None:
    publish(folder, make_wanted(1))
    before = folder.find(manifest_key(KEY))
    publish(folder, make_wanted(2))
    kept = [folder.find(key) for key in folder.list_keys(version_prefix(KEY))]
    assert before is not None
    assert [(one.value, one.metadata) for one in kept if one] == [(before.value, before.metadata)]


class Ended(Exception):
    """Stands for SIGKILL."""


class Watched:
    """A store that does something before each of its writing calls, by their number."""

    def __init__(self, store: FolderStore, before: Callable[[int], None]) -> None:
        self._store = store
        self._before = before
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._store, name)
        if name not in ("write", "write_batch", "replace", "remove") or not callable(found):
            return found

        def call(*arguments: object) -> object:
            self.calls += 1
            self._before(self.calls)
            return found(*arguments)

        return call


def watch(store: FolderStore, before: Callable[[int], None]) -> tuple[Store, Watched]:
    watched = Watched(store, before)
    return watched, watched  # type: ignore[return-value]  # it has the methods of the store inside


def end_at(number: int) -> Callable[[int], None]:
    def end(call: int) -> None:
        if call >= number:  # the lease cannot be given back either
            raise Ended

    return end


def count_calls(folder: Path, first: Sequence[object]) -> int:
    watched, counter = watch(FolderStore(folder), lambda _call: None)
    for one in first:
        publish(watched, one)  # type: ignore[arg-type]  # what was made to be published
    return counter.calls


def test_a_break_before_any_write_leaves_one_spec_or_the_other_and_the_next_push_completes(tmp_path: Path) -> None:
    first, second = make_wanted(1, LISTS), make_wanted(2, {**LISTS, "b": make_list(3_500, salt=7)})
    calls = count_calls(tmp_path / "all", [first, second]) - count_calls(tmp_path / "first", [first])
    assert calls == 10  # lease, pages, digests, shards, digests, index, raw, version, manifest, lease
    for number in range(1, calls + 1):
        store = FolderStore(tmp_path / str(number))
        publish(store, first)
        broken, _ = watch(store, end_at(number))
        with pytest.raises(Ended):
            publish(broken, second)
        assert read_answering(store) in (("pages", 1), ("pages", 2)), number
        end_lease(store)
        publish(store, second)
        assert read_answering(store) == ("pages", 2)
        assert [len(one) // 6 for one in read_lists(store).values()] == [10_000, 3_500]


def test_lists_are_right_when_the_push_after_a_break_is_of_what_was_there_before(tmp_path: Path) -> None:
    first, second = make_wanted(1, LISTS), make_wanted(1, {**LISTS, "b": make_list(3_500, salt=7)})
    calls = count_calls(tmp_path / "all", [first, second]) - count_calls(tmp_path / "first", [first])
    for number in range(1, calls + 1):
        store = FolderStore(tmp_path / str(number))
        publish(store, first)
        expected = read_lists(store)
        broken, _ = watch(store, end_at(number))
        with pytest.raises(Ended):
            publish(broken, second)
        end_lease(store)
        publish(store, first)
        assert read_lists(store) == expected, number


def end_lease(store: FolderStore) -> None:
    """Let a lease run out that nobody gave back."""
    store.remove(lease_key(KEY))


def test_who_comes_back_after_its_lease_mixes_nothing(tmp_path: Path) -> None:
    """Another publication, whole, before any write of one: one wins, the other says so."""
    first, second = make_wanted(0), make_wanted(1)
    calls = count_calls(tmp_path / "all", [first, second]) - count_calls(tmp_path / "first", [first])
    for number in range(2, calls + 1):
        store = FolderStore(tmp_path / str(number))
        publish(store, first)

        def meddle(call: int, at: int = number, store: FolderStore = store) -> None:
            if call == at:
                end_lease(store)
                publish(store, make_wanted(2))

        meddled, _ = watch(store, meddle)
        ended = end_of(lambda meddled=meddled: publish(meddled, second))  # type: ignore[misc]
        assert read_answering(store) == ("pages", 2), number
        raw = store.find(KEY)
        assert raw is not None
        assert json.loads(raw.value)["time"] == make_wanted(2).time
        # Where the other came after all that matters was read back, both have published, one after the other.
        assert isinstance(ended, Conflict if number < calls else Published), number


def end_of(run: Callable[[], Published]) -> Published | Conflict:
    try:
        return run()
    except Conflict as conflict:
        return conflict


def make_holder(*, host: str = "elsewhere", pid: int = 1, left_ms: int = LEASE_MS) -> bytes:
    return encode_holder(Holder("ann@elsewhere", host, pid, "nonce", "push", now_ms() + left_ms))


def test_somebody_elses_lease_keeps_a_push_away_and_is_named(store: Store) -> None:
    store.write(Write(lease_key(KEY), make_holder()))
    with pytest.raises(Conflict, match=r"ann@elsewhere .* is at it: push"):
        publish(store, make_wanted(1))
    assert store.find(KEY) is None


def test_a_lease_that_is_over_is_taken(store: Store) -> None:
    store.write(Write(lease_key(KEY), make_holder(left_ms=-1)))
    publish(store, make_wanted(1))
    assert read_answering(store) == ("pages", 1)


def test_a_lease_that_is_not_understood_is_taken(folder: FolderStore) -> None:
    folder.write(Write(lease_key(KEY), b"\xff"))
    publish(folder, make_wanted(1))
    assert folder.find(lease_key(KEY)) is None


def test_a_lease_of_a_process_of_this_machine_that_has_ended_is_taken(folder: FolderStore) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    folder.write(Write(lease_key(KEY), make_holder(host=name_host(), pid=os.getppid())))
    with pytest.raises(Conflict, match="is at it"):
        publish(folder, make_wanted(1))
    folder.write(Write(lease_key(KEY), make_holder(host=name_host(), pid=ended.pid)))
    publish(folder, make_wanted(1))
    assert folder.find(lease_key(KEY)) is None


def test_who_takes_the_lease_in_the_same_moment_is_let_go_first(folder: FolderStore) -> None:
    class Quicker(FolderStore):
        def replace(self, entry: Write, generation: str | None) -> bool:
            folder.write(Write(entry.key, make_holder()))
            return super().replace(entry, generation)

    with pytest.raises(Conflict, match="ann@elsewhere"):
        publish(Quicker(folder.folder), make_wanted(1))

    class Gone(FolderStore):
        def replace(self, entry: Write, generation: str | None) -> bool:
            return generation is not None and super().replace(entry, generation)

    end_lease(folder)
    with pytest.raises(Conflict, match="in the same moment"):
        publish(Gone(folder.folder), make_wanted(1))


def test_a_push_waits_for_a_lease_if_it_may(folder: FolderStore) -> None:
    folder.write(Write(lease_key(KEY), make_holder(left_ms=1_500)))
    publish(folder, make_wanted(1), Rules(wait_seconds=20))
    assert read_answering(folder) == ("pages", 1)


def test_a_lease_is_renewed_and_lost_when_somebody_else_has_it(folder: FolderStore) -> None:
    with leased(folder, KEY, "test") as lease:
        first = lease.holder.until_ms
        lease.hold()
        assert lease.holder.until_ms == first
        lease.holder = lease.holder._replace(until_ms=now_ms() + 1_000)
        lease.hold()
        assert lease.holder.until_ms >= first
        lease.holder = lease.holder._replace(until_ms=now_ms() + 1_000)
        folder.write(Write(lease_key(KEY), make_holder()))
        with pytest.raises(Conflict, match="somebody else has begun"):
            lease.hold()
    assert folder.find(lease_key(KEY)) is not None  # it is theirs


@pytest.mark.parametrize("kind", ["status", "slow", "cut", "lost"])
def test_a_troubled_api_is_published_to_all_the_same(server: KvServer, kind: str) -> None:
    with open_fastly(server.api, patience=60.0) as store:
        publish(store, make_wanted(1, LISTS))
        server.api.troubles.set(Trouble(kind, status=500, seconds=0.02, share=0.3))
        publish(store, make_wanted(2, {**LISTS, "b": make_list(3_500, salt=7)}))
        server.api.troubles.set()
        assert read_answering(store) == ("pages", 2)
        assert len(read_lists(store)["b"]) // 6 == 3_500


def test_throttling_is_waited_for(server: KvServer) -> None:
    with open_fastly(server.api, patience=60.0) as store:
        server.api.troubles.set(Trouble("status", status=429, retry_after=1, share=0.3))
        publish(store, make_wanted(1))
        server.api.troubles.set()
        assert store.traffic.retried > 0
        assert read_answering(store) == ("pages", 1)


@pytest.mark.parametrize("what", [f"keys/{KEY}$", "manifest"])
def test_a_wrong_generation_is_a_conflict_and_what_was_in_use_stays(server: KvServer, what: str) -> None:
    with open_fastly(server.api) as store:
        publish(store, make_wanted(1))
        server.api.troubles.set(Trouble("generation", f"PUT .*{what}"))
        with pytest.raises(Conflict, match="somebody else has written"):
            publish(store, make_wanted(2))
        server.api.troubles.set()
        assert read_answering(store) == ("pages", 1)
        publish(store, make_wanted(2))
        assert read_answering(store) == ("pages", 2)


def test_an_api_that_fails_for_good_is_said_and_leaves_what_was_there(server: KvServer) -> None:
    with open_fastly(server.api, patience=0.5) as store:
        publish(store, make_wanted(1))
        server.api.troubles.set(Trouble("status", "PUT .*/batch", status=500))
        with pytest.raises(StoreProblem, match=r"answered 500 to PUT .*/batch"):
            publish(store, make_wanted(2))
        server.api.troubles.set()
        assert read_answering(store) == ("pages", 1)
        assert store.find(lease_key(KEY)) is None


def test_a_lease_that_cannot_be_given_back_does_not_undo_what_was_published(server: KvServer) -> None:
    with open_fastly(server.api, patience=0.2) as store:
        server.api.troubles.set(Trouble("status", "DELETE", status=500))
        assert publish(store, make_wanted(1)).written["manifest"] == 1
        server.api.troubles.set()
        assert read_answering(store) == ("pages", 1)
        assert store.find(lease_key(KEY)) is not None


def test_what_is_not_as_it_was_written_stops_a_push_before_the_manifest(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.publication.reading_back.READING_PAUSE", 0.0)

    class Damaged(FolderStore):
        def write_batch(self, entries: Sequence[Write]) -> None:
            super().write_batch([Write(one.key, one.value[:-1], one.metadata) for one in entries])

    with pytest.raises(StoreProblem, match="was written, but reading it back"):
        publish(Damaged(folder.folder), make_wanted(1))
    assert folder.find(manifest_key(KEY)) is None
