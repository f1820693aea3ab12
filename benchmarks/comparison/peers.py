"""Build the peers: Statsig's packages and a bare service in JavaScript, from npm.

Their sources are `benchmarks/peers/src`, their versions in the lock file there. A component is built again when its
folder's sources or the lock have changed.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from devhost.build import ROOT, BuildFailed

FOLDER = ROOT / "benchmarks" / "peers"
BUILT = FOLDER / "bin"
LOCK = FOLDER / "package-lock.json"
NODE_LITE, SERVERLESS, HELLO = "node_lite", "serverless_client", "hello"
PEERS = (HELLO, NODE_LITE, SERVERLESS)


def build_peers() -> dict[str, Path]:
    """Return the component of each peer, and of each with `_reused` behind its name; raises BuildFailed."""
    components = {name: BUILT / f"{name}.wasm" for peer in PEERS for name in (peer, f"{peer}_reused")}
    stamp, fingerprint = BUILT / "inputs", hash_inputs()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint:
        return components
    shutil.rmtree(BUILT, ignore_errors=True)
    BUILT.mkdir()
    # Not `npm ci`: it refuses the lock because packages of other platforms are not in it.
    run("npm", "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error")
    for name, component in components.items():
        run("npx", "--no-install", "js-compute-runtime", f"src/{name}.js", str(component))
    stamp.write_text(fingerprint, encoding="ascii")
    return components


def hash_inputs() -> str:
    """Hash what the components are made of."""
    digest = hashlib.sha256(LOCK.read_bytes())
    for source in sorted((FOLDER / "src").glob("*.js")):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def run(*command: str) -> None:
    """Run a command of npm's in the folder of the peers; raises BuildFailed with what it said."""
    program = shutil.which(command[0])
    if program is None:
        raise BuildFailed(f"{command[0]} is not here; the peers are built with Node.js 20 or newer")
    done = subprocess.run([program, *command[1:]], cwd=FOLDER, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(command)}: {done.stdout}{done.stderr}".strip())
