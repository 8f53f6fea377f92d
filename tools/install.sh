#!/bin/sh
# install.sh PYTHON VENV REQUIREMENTS: make the environment if it is not there, and install into it.
# uv where there is one; else venv and pip; a Debian without its venv package gets virtualenv.
set -eu
python=$1 venv=$2 requirements=$3

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "This needs Python 3.11 or newer; $python is older. Try: make PYTHON=python3.12" >&2
    exit 1
}

if [ ! -x "$venv/bin/python" ]; then
    if command -v uv >/dev/null; then
        uv venv --python "$python" "$venv"
    elif ! "$python" -m venv "$venv" 2>/dev/null; then
        rm -rf "$venv"
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq
            apt-get install -y -qq python3-venv
            "$python" -m venv "$venv"
        else
            echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt install python3-venv" >&2
            exit 1
        fi
    fi
fi

if command -v uv >/dev/null; then
    uv pip install --python "$venv/bin/python" -r "$requirements"
else
    "$venv/bin/python" -m pip install --disable-pip-version-check -q -r "$requirements"
fi
