#!/usr/bin/env bash
# Make .venv and install the exact versions of requirements/<run|dev>.txt, then recanal itself.
# Usage: scripts/setup.sh run|dev [VENV]
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?usage: scripts/setup.sh run|dev [VENV]}
venv=${2:-.venv}

suits() { # a Python of at least 3.11 that can make a virtual environment
    "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python3.14; do
        if suits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "recanal needs Python 3.11 or newer with the venv module; none was found on the PATH." >&2
    echo "Install one (Debian and Ubuntu: the packages python3 and python3-venv), or name it: make PYTHON=/path/to/python3 ..." >&2
    return 1
}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "Setting up $venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv"
fi

pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input)
echo "Installing requirements/$kind.txt (exact versions, checked by hash; a few minutes the first time) ..."
"${pip[@]}" install --quiet --require-hashes --only-binary :all: -r "requirements/$kind.txt"
"${pip[@]}" install --quiet --no-deps --no-build-isolation --editable .
touch "$venv/.installed-$kind"
if [ "$kind" = dev ]; then # the dev lock holds all of the run lock
    touch "$venv/.installed-run"
fi
