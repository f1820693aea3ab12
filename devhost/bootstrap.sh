#!/bin/sh
# Make the virtual environment that every other target uses: bootstrap.sh [FOLDER].
#
# A `python3` on the PATH proves little: it may be too old, or a version manager's shim for a version that is not
# there. So each candidate is asked to run, newest first, and the first that is 3.12 or newer with venv and pip wins.
# Where none is, any older python3 fetches uv from PyPI, and uv brings a Python of its own.
set -eu

venv=${1:-.venv}
wanted='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))'

say() { printf 'gatelet: %s\n' "$*"; }

is_usable() { "$1" -c "$wanted" >/dev/null 2>&1; }

list_candidates() {
    for version in 14 13 12; do
        command -v "python3.$version" || :
    done
    command -v python3 || :
    command -v python || :
    if root=$(pyenv root 2>/dev/null); then
        ls -d "$root"/versions/3.1[2-9]*/bin/python3 2>/dev/null | sort -r || :
    fi
    ls -d /opt/homebrew/bin/python3.1[2-9] /usr/local/bin/python3.1[2-9] 2>/dev/null || :
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    list_candidates | while read -r candidate; do
        if is_usable "$candidate"; then
            echo "$candidate"
            break
        fi
    done
}

make_with_uv() {
    say "no Python 3.12 or newer here; fetching one with uv"
    helper=$(mktemp -d)
    trap 'rm -rf "$helper"' EXIT
    for old in python3 /usr/bin/python3 python; do
        if "$old" -m pip install --quiet --target "$helper" uv; then
            PYTHONPATH="$helper" "$old" -m uv venv --seed --python 3.13 "$venv" && return
            break
        fi
    done
    say "install Python 3.12 or newer and run this again"
    exit 1
}

if [ ! -x "$venv/bin/python" ] || ! is_usable "$venv/bin/python"; then
    python=$(find_python)
    if [ -n "$python" ]; then
        is_usable "$python" || { say "PYTHON=$python is not 3.12 or newer with venv and pip"; exit 1; }
        say "making $venv with $("$python" --version) ($python)"
        "$python" -m venv --clear "$venv"
    else
        make_with_uv
    fi
fi

say "installing what the project needs into $venv (about a minute the first time)"
"$venv/bin/python" -m pip install --disable-pip-version-check --editable '.[dev]'
say "$venv is ready"
