"""A Redis: every value is a string under its key, so that whoever reads the spec from Redis today reads ours as well.

Metadata stand in one hash beside the values. There are no generations in Redis; a digest of value and metadata stands
for one, and WATCH with MULTI makes the condition hold: any write to the key in between, also of the same value, makes
EXEC do nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, cast

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from publisher.stores.port import BatchLimits, Head, Item, StoreProblem, Traffic, name_generation
from specstore.limits import Write

ABOUT: Final = "gatelet-about"
TRIES: Final = 5
SECONDS: Final = 10.0
_GLOB: Final = str.maketrans({one: f"\\{one}" for one in r"\*?[]^"})


@dataclass(frozen=True, slots=True)
class RedisKv:
    """One Redis; `prefix` stands before every key."""

    client: Redis
    prefix: str = ""
    traffic: Traffic = field(default_factory=Traffic)
    kind: ClassVar[str] = "redis"
    is_guarded: ClassVar[bool] = True
    limits: ClassVar[BatchLimits] = BatchLimits(entries=1_000, size=8_000_000)

    def find_fault(self, entry: Write) -> str | None:  # noqa: ARG002 - Redis takes what Fastly takes
        """Return None: Redis takes what Fastly takes."""
        return None

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield every key with a prefix."""
        self.traffic.add(requests=1)
        pattern = (self.prefix + prefix).translate(_GLOB) + "*"
        try:
            found = {bytes(key).decode() for key in self.client.scan_iter(match=pattern, count=1_000)}
        except RedisError as problem:
            raise fail(problem) from problem
        yield from sorted(key.removeprefix(self.prefix) for key in found if key != self.prefix + ABOUT)

    def look(self, key: str) -> Head | None:
        """Return what is known of an entry; what stands for its generation needs the value."""
        item = self.find(key)
        return None if item is None else Head(item.generation, item.metadata, len(item.value))

    def find(self, key: str) -> Item | None:
        """Return an entry; None when it is not there."""
        with self._together() as pipeline:
            pipeline.get(self.prefix + key)
            pipeline.hget(self.prefix + ABOUT, key)
            found = self._run(pipeline)
        return self._make_item(*cast("list[bytes | None]", found))

    def write(self, entry: Write) -> None:
        """Write an entry, whatever is there."""
        self.write_batch((entry,))

    def write_batch(self, entries: Sequence[Write]) -> None:
        """Write entries together, in one transaction."""
        with self._together() as pipeline:
            for entry in entries:
                self._add(pipeline, entry)
            self._run(pipeline)

    def replace(self, entry: Write, generation: str | None) -> bool:
        """Write an entry over a generation, or only if there is none."""
        with self._together() as pipeline:
            if not self._watch(pipeline, entry.key, generation):
                return False
            self._add(pipeline, entry)
            if self._run(pipeline) is not None:
                return True
        # The connection may have broken behind our own EXEC.
        found = self.find(entry.key)
        return found is not None and (found.value, found.metadata) == (entry.value, entry.metadata)

    def remove(self, key: str, generation: str | None = None) -> bool:
        """Delete an entry, there or not."""
        with self._together() as pipeline:
            if generation is not None and not self._watch(pipeline, key, generation):
                return False
            pipeline.delete(self.prefix + key)
            pipeline.hdel(self.prefix + ABOUT, key)
            return self._run(pipeline) is not None

    def _together(self) -> Pipeline:
        return self.client.pipeline(transaction=True)

    def _watch(self, pipeline: Pipeline, key: str, generation: str | None) -> bool:
        """Watch a key, tell whether it has the generation that was seen, and begin the transaction."""
        self.traffic.add(requests=1)
        try:
            pipeline.watch(self.prefix + key)  # type: ignore[no-untyped-call]  # redis-py left it without types
            value = cast("bytes | None", pipeline.get(self.prefix + key))
            about = cast("bytes | None", pipeline.hget(self.prefix + ABOUT, key))
            pipeline.multi()
        except RedisError as problem:
            raise fail(problem) from problem
        found = self._make_item(value, about)
        return (None if found is None else found.generation) == generation

    def _add(self, pipeline: Pipeline, entry: Write) -> None:
        pipeline.set(self.prefix + entry.key, entry.value)
        if entry.metadata is None:
            pipeline.hdel(self.prefix + ABOUT, entry.key)
        else:
            pipeline.hset(self.prefix + ABOUT, entry.key, entry.metadata)
        self.traffic.add(sent=len(entry.value))

    def _run(self, pipeline: Pipeline) -> list[object] | None:
        """Carry a transaction out; None when somebody has written to the watched key."""
        self.traffic.add(requests=1)
        try:
            return pipeline.execute()
        except WatchError:
            return None
        except RedisError as problem:
            raise fail(problem) from problem

    def _make_item(self, value: bytes | None, about: bytes | None) -> Item | None:
        if value is None:
            return None
        self.traffic.add(received=len(value))
        metadata = None if about is None else about.decode()
        return Item(value, name_generation(value, metadata), metadata)


def fail(problem: RedisError) -> StoreProblem:
    """Make our problem of one of the client's."""
    return StoreProblem(f"Redis did not do what it was asked: {problem}")


def connect(url: str, password: str | None) -> Redis:
    """Make a client that connects when it is first used, and tries again when a connection breaks."""
    return Redis.from_url(
        url,
        password=password,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(ExponentialWithJitterBackoff(cap=2.0, base=0.1), TRIES),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
