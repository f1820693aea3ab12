"""Where a spec comes from: Statsig's servers, a Redis, a file."""
