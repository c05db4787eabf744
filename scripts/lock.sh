#!/usr/bin/env bash
# Renew requirements/run.txt and requirements/dev.txt from pyproject.toml. Needs uv, which is not part of the locks.
# run.txt is resolved under dev.txt, so that both name the same versions.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
lock=("$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
    --only-binary :all: --python-version 3.11 pyproject.toml requirements/build.in)
"${lock[@]}" "$@" --extra dev --extra docs --extra cohort --extra study --extra postgres --output-file requirements/dev.txt
"${lock[@]}" --constraint requirements/dev.txt --output-file requirements/run.txt
