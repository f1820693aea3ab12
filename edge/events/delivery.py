"""A request to the events endpoint, from its beginning to the judgement of its answer."""

from collections.abc import Generator, Sequence

from edge.events.answers import Judgement, judge
from edge.events.batch import Batch, Content, encode_content, make_post
from edge.events.counts import Counts
from edge.events.home import Home
from edge.events.tasks import Wait
from edge.ports import DeliveryFault, PendingDelivery


def prepare_content(home: Home, batches: Sequence[Batch]) -> Content:
    """Encode what a request carries, once for all its tries: compressing costs more than all else of a try."""
    return encode_content(batches, home.platform.session_id(), home.background.events_gzip_bytes)


def begin_delivery(
    home: Home, counts: Counts, batches: Sequence[Batch], content: Content, now_ms: int, tries: int
) -> PendingDelivery:
    """Send batches of one project in one request; raises DeliveryFault when that cannot even begin."""
    platform, settings, project = home.platform, home.background, batches[0].project
    key = home.find_events_key(project)
    if not key:
        raise DeliveryFault(f"there is no key of Statsig's for the events of {project or 'this service'}")
    post = make_post(batches, content, key, platform.session_id(), now_ms, tries)
    counts.add("posts")
    return platform.begin_send(settings.events_backend, settings.events_url, post.headers, post.body)


def await_judgement(delivery: PendingDelivery) -> Generator[Wait, bool, Judgement | None]:
    """Wait for the answer to a request; None when the wait ends first."""
    while (answer := delivery.find_answer()) is None:
        if not (yield delivery):
            return None
    return judge(answer)
