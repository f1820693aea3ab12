"""Load a component: compiled code from the cache, every import bound.

Compiling takes 8 s and more, loading compiled code some milliseconds. The code is kept under `$GATELET_CACHE`, else
under the user's cache directory, by the hash of the component and all that the code depends on; a cache that cannot be
written only costs time.
"""

import hashlib
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from wasmtime import Engine, WasmtimeError, component

from devhost.embedded.codec import Signature, compile_signature, make_engine
from devhost.embedded.linker import Linked, link
from devhost.embedded.selftest import check_codec
from devhost.fastly.values import Interface

EXPORT = "fastly:compute/http-incoming"
KEPT_PROGRAMS = 12  # about 40 MB each; one build of ours makes three: to serve, to count, and the evaluator alone


class CannotLoad(Exception):
    """The file is no component of the kind this host runs."""


@dataclass(frozen=True, slots=True)
class Program:
    """A component that is ready to be instantiated."""

    engine: Engine
    loaded: component.Component
    linked: Linked
    handle: component.ExportIndex
    signature: Signature
    counts_fuel: bool


def load_program(wasm: Path, interfaces: Mapping[str, type[Interface]], *, count_fuel: bool = False) -> Program:
    """Load a component; raises `CannotLoad` when it does not serve requests."""
    check_codec()
    engine = make_engine(count_fuel=count_fuel)
    try:
        loaded = load_compiled(engine, wasm, count_fuel=count_fuel)
    except WasmtimeError as problem:
        raise CannotLoad(f"{wasm} does not compile: {problem}") from problem
    linked = link(loaded, engine, interfaces)
    handle, function = find_handler(loaded, engine)
    return Program(engine, loaded, linked, handle, compile_signature(function, linked.resource_ids), count_fuel)


def find_handler(loaded: component.Component, engine: Engine) -> tuple[component.ExportIndex, component.FuncType]:
    """Find the function that takes requests."""
    for name, extern in loaded.type.exports(engine).items():
        kind = extern.ty
        if name.partition("@")[0] == EXPORT and isinstance(kind, component.ComponentInstanceType):
            function = kind.exports(engine)["handle"].ty
            handle = loaded.get_export_index("handle", loaded.get_export_index(name))
            if handle is not None and isinstance(function, component.FuncType):
                return handle, function
    raise CannotLoad(f"the component does not export {EXPORT}")


def load_compiled(engine: Engine, wasm: Path, *, count_fuel: bool) -> component.Component:
    """Load compiled code from the cache, or compile and keep it."""
    content = wasm.read_bytes()
    kept = cache_directory() / f"{cache_key(content, count_fuel=count_fuel)}.cwasm"
    if kept.is_file():
        try:
            loaded = component.Component.deserialize_file(engine, str(kept))
            with suppress(OSError):  # of a cache that cannot be written
                kept.touch()  # those used last are kept
            return loaded
        except WasmtimeError:  # made for another processor, or cut short; compiling replaces it
            kept.unlink(missing_ok=True)
    loaded = component.Component(engine, content)
    keep(loaded.serialize(), kept)
    return loaded


def cache_directory() -> Path:
    """Return where compiled code is kept."""
    chosen = os.environ.get("GATELET_CACHE")
    if chosen:
        return Path(chosen)
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "gatelet"


def cache_key(content: bytes, *, count_fuel: bool) -> str:
    """Return a name for what compiled code depends on."""
    kind = f"wasmtime {version('wasmtime')} {platform.system()} {platform.machine()} fuel={count_fuel}"
    return hashlib.sha256(kind.encode() + b"\n" + content).hexdigest()[:32]


def keep(code: bytes | bytearray, path: Path) -> None:
    """Write compiled code in one step, and keep those used last; a cache that cannot be written is no fault."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(code)
        unfinished.replace(path)
        by_age = sorted(path.parent.glob("*.cwasm"), key=lambda kept: kept.stat().st_mtime, reverse=True)
        for old in by_age[KEPT_PROGRAMS:]:
            old.unlink(missing_ok=True)
    except OSError as problem:
        print(f"gatelet: compiled code is not kept: {problem}", flush=True)
