"""Build a component, when what it is made of has changed: `python -m devhost.build` builds `bin/main.wasm`.

The build takes about three minutes, two of them for merging and optimizing. Its result depends on nothing but our
modules, the versions of the SDK and of cbor2, this file and the tools after the link, so the hash of those stands
beside the component and decides. File times would not do: a checkout or a clone changes them and not the content.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from devhost.after_link.binary import Malformed
from devhost.after_link.image import Sparse, check_density
from devhost.after_link.immortal import make_immortal
from devhost.after_link.interpreter import make_quiet
from devhost.after_link.merging.component import merge_modules
from devhost.after_link.merging.tools import MissingProgram, find_tools, has_tools
from devhost.after_link.passed_bytes import pass_in_place
from devhost.after_link.validation import Invalid, validate
from devhost.baked_spec import UnusableFallback, write_baked_spec
from edge.cold.choice import MEASURES
from edge.cold.gathering import NOTE

ROOT = Path(__file__).resolve().parent.parent
COMPONENT = ROOT / "bin" / "main.wasm"
LEFT_OUT = ROOT / "edge" / "cold" / "left_out.py"
COUNTRY_TABLE = ROOT / "evaluator" / "country_table.py"
ROOMS = ("evaluator", "specstore", "edge")
PACKAGES = ("fastly-compute", "cbor2")
REHEARSED = Path(NOTE)  # what requests run; there while building


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a component is made of: its entry module, and the folders it imports from."""

    component: Path = COMPONENT
    entry: str = "app"
    rooms: tuple[str, ...] = ROOMS
    left_out: frozenset[str] = frozenset()  # of `edge.cold.choice.MEASURES`
    is_fast: bool = False  # whether the tools after the link have their turn; they need the measure `listing`
    is_merged: bool = False  # whether the core modules are merged, which takes programs that not every machine has
    is_optimized: bool = False  # whether the merged module is optimized


def read_choice(environment: Mapping[str, str]) -> Recipe:
    """Return the service: WITHOUT leaves measures out, FAST=0 the tools after the link.

    MERGE=0 leaves out the last two of these, OPTIMIZE=0 the last.
    """
    left_out = frozenset(environment.get("WITHOUT", "").replace(",", " ").split())
    if left_out - set(MEASURES):
        raise SystemExit(f"gatelet: WITHOUT takes {', '.join(MEASURES)}")
    is_fast = environment.get("FAST", "1") != "0" and not left_out & {"rehearsal", "listing"}
    is_merged = environment.get("FAST", "1") != "0" and environment.get("MERGE", "1") != "0"
    is_optimized = is_merged and environment.get("OPTIMIZE", "1") != "0"
    return Recipe(left_out=left_out, is_fast=is_fast, is_merged=is_merged, is_optimized=is_optimized)


SERVICE = read_choice(os.environ)


class BuildFailed(Exception):
    """The component could not be built; the message is the builder's own."""


def build_component(recipe: Recipe = SERVICE) -> bool:
    """Build a component unless it is up to date; tells whether it was built. Raises BuildFailed."""
    write_country_table()
    component = recipe.component
    fingerprint = hash_inputs(recipe)
    if component.is_file() and read_stamp(component) == fingerprint:
        return False
    component.parent.mkdir(parents=True, exist_ok=True)
    stamp_of(component).unlink(missing_ok=True)
    write_left_out(recipe.left_out)
    try:
        run_builder(recipe)
    finally:
        write_left_out(frozenset())
    finish(recipe)
    stamp_of(component).write_text(fingerprint, encoding="ascii")
    return True


def write_country_table() -> None:
    """Generate the module that is not committed because its data is not ours."""
    if COUNTRY_TABLE.is_file():
        return
    done = subprocess.run([sys.executable, "-m", "devhost.country_table"], cwd=ROOT, check=False)
    if done.returncode != 0:
        raise BuildFailed("the country table could not be written; see above")


def bake_fallback() -> None:
    """Build the spec that FALLBACK names into the component; raises BuildFailed."""
    try:
        write_baked_spec(os.environ.get("FALLBACK", ""))
    except UnusableFallback as problem:
        raise BuildFailed(str(problem)) from None


def write_left_out(left_out: frozenset[str], module: Path = LEFT_OUT) -> None:
    """Write the module that names the measures to leave out, or remove it."""
    if left_out:
        module.write_text(f"LEFT_OUT = frozenset({sorted(left_out)!r})\n", encoding="ascii")
    else:
        module.unlink(missing_ok=True)


def finish(recipe: Recipe) -> None:
    """Apply the tools after the link and judge the memory image; raises BuildFailed."""
    try:
        component = pass_in_place(recipe.component.read_bytes())
        if recipe.is_fast:
            component, _counts = make_immortal(component)
            component = make_quiet(component)
        recipe.component.write_bytes(component)
        if recipe.is_merged:
            merge(recipe.component, recipe.is_optimized)
        check_density(recipe.component.read_bytes())
        validate(recipe.component)
    except (Malformed, Sparse, Invalid) as problem:
        raise BuildFailed(str(problem)) from None


def merge(component: Path, is_optimized: bool) -> bool:
    """Merge the core modules where the programs for it are; tells whether they are, and says when not."""
    try:
        tools = find_tools()
    except MissingProgram as problem:
        print(f"gatelet: not merged, so that fresh sandboxes start slower: {problem}")
        return False
    component.write_bytes(merge_modules(component.read_bytes(), tools, is_optimized=is_optimized))
    return True


def hash_inputs(recipe: Recipe) -> str:
    """Hash everything a component is made of."""
    digest = hashlib.sha256("".join(f"{name} {version(name)}\n" for name in PACKAGES).encode())
    is_merged = recipe.is_merged and has_tools()
    is_optimized = is_merged and recipe.is_optimized
    digest.update(f"{sorted(recipe.left_out)} {recipe.is_fast} {is_merged} {is_optimized}\n".encode())
    for path in list_inputs(recipe):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def is_complete(recipe: Recipe) -> bool:
    """Tell whether a build leaves nothing out, neither by choice nor for want of programs."""
    return recipe.is_optimized and not recipe.left_out and has_tools()


def list_inputs(recipe: Recipe) -> Iterator[Path]:
    """List the files that end up in a component, and this one."""
    yield Path(__file__)
    yield from sorted((ROOT / "devhost" / "after_link").rglob("*.py"))
    yield from list_modules(recipe)


def list_modules(recipe: Recipe) -> Iterator[Path]:
    """List the modules that end up in a component."""
    yield ROOT / f"{recipe.entry.replace('.', '/')}.py"
    for room in recipe.rooms:
        yield from sorted(path for path in (ROOT / room).rglob("*.py") if path != LEFT_OUT)


def stamp_of(component: Path) -> Path:
    """Return the file beside a component that says what it was built from."""
    return component.with_suffix(".inputs")


def read_stamp(component: Path) -> str:
    """Return what a component was built from, as far as known."""
    stamp = stamp_of(component)
    return stamp.read_text(encoding="ascii") if stamp.is_file() else ""


def run_builder(recipe: Recipe) -> None:
    """Run the SDK's builder; raises BuildFailed with what it said.

    Twice for a component that is to be fast. The first run leaves modules compiled by its Python beside their sources,
    which is where the second one reads them: compiling leaves so much behind in the heap that all a request touches
    lies further apart (measured: 314 page faults a check, and 262 from compiled modules). It also notes what requests
    run, for the second run to lay together (`edge/cold/gathering.py`).
    """
    if recipe.is_fast:
        REHEARSED.parent.mkdir(exist_ok=True)
        REHEARSED.write_bytes(b"")
        try:
            run_builder_once(recipe)
            run_builder_once(recipe)
        finally:
            REHEARSED.unlink(missing_ok=True)
    else:
        run_builder_once(recipe)


def run_builder_once(recipe: Recipe) -> None:
    """Run the SDK's builder; raises BuildFailed with what it said."""
    command = [sys.executable, "-m", "fastly_compute.fastly_compute_py"]
    command += ["build", "--entry", recipe.entry, "--output", str(recipe.component)]
    # The builder looks for installed modules in the environment this variable names.
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0 or not recipe.component.is_file():
        raise BuildFailed(f"{done.stdout}{done.stderr}".strip())


def main() -> int:
    """Build and say what was done."""
    started = time.monotonic()
    shown = COMPONENT.relative_to(ROOT)
    try:
        bake_fallback()
        built = build_component()
    except BuildFailed as problem:
        print(f"gatelet: the component could not be built:\n{problem}", file=sys.stderr)
        return 1
    if built:
        megabytes = COMPONENT.stat().st_size / 1e6
        print(f"gatelet: built {shown}, {megabytes:.1f} MB, in {time.monotonic() - started:.0f} s")
    else:
        print(f"gatelet: {shown} is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
