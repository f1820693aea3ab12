"""How a config spec lies in a KV store: keys, entries, and what is in them. Values in, values out; no I/O, no clock.

Everyone who writes or reads such entries uses this room: the service, the command line, the local server. The format
itself is described for any language in docs/spec-format.md. What to call, in the order of use:

Reading one check:
- `keys` makes the keys of a spec's entries from its own key.
- `manifest.decode_manifest` reads the value of `keys.manifest_key`; `manifest.answers_for` tells whether it may answer
  beside the raw entry of a generation; `manifest.start_project` makes its Project, which has no specs yet.
- `Manifest.find_page` gives the digest of the page of a (kind, name), kind being gate, config (experiments too) or
  layer; `keys.page_key` its key; `pages.decode_page` and `pages.find_piece` what one question needs, None when the
  spec has no such entity. `Project.grow(piece.sections)` adds it, before the view of a user is made; then also what is
  in the pages of `piece.further` (usually none), by `pages.read_whole`. A name that is in `project.gates` (or configs,
  or layers) already needs no page.

- `idlists`: `decode_index` reads the value of `keys.list_index_key`, `find_member` the bytes of a unit's hash (what
  evaluation looks up in `Options.id_lists`); `IdList.find_shard`, `IdList.name_edition` and `keys.shard_key` lead to
  the one entry to read, `decode_shard` and `holds` tell whether the unit is in it.
- `forced.decode_overrides` reads the value of `keys.overrides_key`, for `Options.overrides`.

Writing:
- `cut.cut_project` cuts a Project into pages. `plan.plan_publication` says what to write in which order,
  `plan.plan_lists` the same for ID lists, `plan.plan_collection` what may go; `limits.check_writes` what Fastly would
  not take.

Every decoder raises `InvalidEntry` and nothing else.
"""
