#!/usr/bin/env bash
# Installs everything the tests need (a virtual environment, a browser, drawing libraries) and runs them all.
# Arguments go to pytest; without any, the slow tests run too.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if command -v apt-get >/dev/null && { ! browser >/dev/null || ! ldconfig -p | grep -q libEGL.so.1 || ! ldconfig -p | grep -q libGL.so.1; }; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium libegl1 libgl1 libfontconfig1 >/dev/null
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install -q --disable-pip-version-check -r requirements.txt -r tests/requirements.txt
browser >/dev/null || .venv/bin/python -m playwright install chromium

.venv/bin/python -m ruff check .
.venv/bin/python -m ruff format --check -q .
.venv/bin/python tests/audit.py
if [ $# -eq 0 ]; then set -- -m ""; fi
exec .venv/bin/python -m pytest "$@"
