"""How a config spec lies in a KV store: keys, entries, and what is in them. Values in, values out; no I/O, no clock.

Everyone who writes or reads such entries uses this room: the service, the command line, the local server. The format
itself is described for any language in docs/spec-format.md. What to call, in the order of use:

Reading one check:
- `keys`: the keys of a spec's entries, made from its own key.
- `manifest.decode_manifest`: the value of `keys.manifest_key`, as a `Manifest`; `manifest.answers_for` tells whether
  it belongs to the raw entry beside it; `manifest.start_project` makes a Project without specs.
- `Manifest.find_page` names the page of a (kind, name); `pages.read_piece` takes from it what one evaluation needs, and
  `Project.grow` adds that. A piece may name further pages (`Piece.further`, read with `pages.read_whole`).
- `idlists`: the index of the ID lists, the shard of a unit, and whether the unit is in it.
- `forced.decode_overrides`: the overrides beside a spec.

Writing:
- `cut.cut_project`: a Project in pages; `manifest.make_manifest` says what they were made from.
- `plan.plan_publication` and `plan.plan_collection`: what to write in which order, and what may go.
- `limits.check_entry`: what Fastly would not take.

Every decoder raises `InvalidEntry` and nothing else.
"""
