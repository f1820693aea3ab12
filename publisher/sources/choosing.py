"""Pull from the source of a profile, whatever its kind."""

from publisher.exit_codes import Unusable
from publisher.profiles.profile import Source
from publisher.sources.fetching import Fetcher
from publisher.sources.pulled import Pulled, read_pulled
from publisher.sources.redis import pull_redis
from publisher.sources.statsig import pull_statsig


def pull(fetcher: Fetcher, source: Source, held: Pulled | None = None) -> Pulled:
    """Return the newest spec of a source; what is `held` saves asking for it again. Raises a Trouble."""
    if source.kind == "statsig":
        return pull_statsig(fetcher, source, held)
    if source.kind == "redis":
        return pull_redis(fetcher, source, held)
    if source.path is None:
        raise Unusable("which file? Give --file, or path in the profile's source")
    return read_pulled(source.path)
