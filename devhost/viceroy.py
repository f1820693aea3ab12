"""Find Viceroy, Fastly's local server for Compute, or build it with cargo.

Looked for in this order: the file `GATELET_VICEROY` names, the `PATH`, our cache. The cache lies outside the checkout
(`GATELET_CACHE`, else `$XDG_CACHE_HOME/gatelet`, else `~/.cache/gatelet`), so that a fresh clone finds what an earlier
one built; where no such folder can be written, `.local/cache` inside the checkout serves.

    python -m devhost.viceroy            print where it is
    python -m devhost.viceroy install    build it when it is nowhere
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "0.22.0"
ROOT = Path(__file__).resolve().parent.parent
INSTALL_HINT = "run `make viceroy`, or name the program in GATELET_VICEROY"


def cache_root() -> Path:
    """Return the folder for what is worth keeping between clones; it may not exist yet."""
    named = os.environ.get("GATELET_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "gatelet"


def find_viceroy() -> Path | None:
    """Find the Viceroy program on this machine."""
    named = os.environ.get("GATELET_VICEROY")
    if named:
        return find_program(Path(named).expanduser())
    on_path = shutil.which("viceroy")
    if on_path:
        return Path(on_path)
    return find_program(program_in(cache_root())) or find_program(program_in(checkout_cache()))


def install_viceroy() -> Path:
    """Build Viceroy into the cache with cargo and return the program; raises `OSError` when that cannot be done."""
    cargo = shutil.which("cargo")
    if cargo is None:
        message = "building Viceroy needs cargo (https://rustup.rs), which is not on the PATH"
        raise FileNotFoundError(message)
    cache = writable_cache()
    command = [cargo, "install", "viceroy", "--version", VERSION, "--locked", "--root", str(cache / "viceroy")]
    done = subprocess.run(command, check=False)
    program = find_program(program_in(cache))
    if done.returncode != 0 or program is None:
        message = f"cargo could not build Viceroy (exit status {done.returncode}); its own lines above say why"
        raise OSError(message)
    return program


def program_in(cache: Path) -> Path:
    """Return where a cache keeps the program."""
    return cache / "viceroy" / "bin" / "viceroy"


def find_program(path: Path) -> Path | None:
    """Return the path when it is a program that may be run."""
    return path if path.is_file() and os.access(path, os.X_OK) else None


def checkout_cache() -> Path:
    """Return the cache inside the checkout, for a machine without a writable home."""
    return ROOT / ".local" / "cache"


def writable_cache() -> Path:
    """Make the cache folder, inside the checkout when the usual place cannot be written."""
    cache = cache_root()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        print(f"gatelet: cannot use {cache} ({problem.strerror}); using {checkout_cache()}", file=sys.stderr)
        cache = checkout_cache()
        cache.mkdir(parents=True, exist_ok=True)
    return cache


def main(arguments: list[str]) -> int:
    """Print where Viceroy is, building it first when asked to."""
    found = find_viceroy()
    if found is None and arguments == ["install"]:
        print(f"gatelet: building Viceroy {VERSION} with cargo, once for this machine: about ten minutes")
        try:
            found = install_viceroy()
        except OSError as problem:
            print(f"gatelet: {problem}", file=sys.stderr)
            return 1
    if found is None:
        print(f"gatelet: no Viceroy here: {INSTALL_HINT}", file=sys.stderr)
        return 1
    print(f"gatelet: Viceroy is {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
