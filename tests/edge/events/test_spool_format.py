"""How stored events lie in the KV store: what is written is read back, also by a CBOR library."""

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from edge.events.batch import Batch
from edge.events.spool_format import (
    Lease,
    StoredKey,
    decode_envelope,
    decode_lease,
    encode_aside,
    encode_envelope,
    encode_lease,
    name_batch,
    parse_key,
)

COUNTS = st.integers(0, 1 << 53)
HEADERS = st.lists(st.tuples(st.text(), st.binary())).map(tuple)
OWN = st.tuples(st.text(), st.binary(), COUNTS, COUNTS).map(lambda values: Batch(*values))
SEALED = st.tuples(st.text(), st.binary(), COUNTS, COUNTS, st.just(value=True), st.text(), HEADERS).map(
    lambda values: Batch(*values)
)


@given(OWN | SEALED)
def test_envelope_is_read_back(batch: Batch) -> None:
    assert decode_envelope(encode_envelope(batch)) == batch


@given(st.binary(), st.text())
def test_batch_that_is_set_aside_has_its_reason_beside_it(envelope: bytes, reason: str) -> None:
    assert cbor2.loads(encode_aside(envelope, reason)) == {"version": 1, "reason": reason, "envelope": envelope}


@given(st.builds(Lease, st.text(), COUNTS, COUNTS, COUNTS, COUNTS))
def test_lease_is_read_back(lease: Lease) -> None:
    assert decode_lease(encode_lease(lease)) == lease


def test_key_says_time_count_size_and_project() -> None:
    batch = Batch("an-id-1", b"{}", 3, 1_700_000_000_000, project="statsig-other")
    key = name_batch(batch, 99)
    assert parse_key(key) == StoredKey(key, 1_700_000_000_000, 3, 99, "statsig-other")
