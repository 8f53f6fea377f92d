#!/bin/sh
# try-newest-gradio.sh PYTHON: run the tests but the browser's with Gradio's newest release, in an environment
# of its own on top of PYTHON's, which is left as it is and whose other packages it shares.
set -eu
base=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

"$base" -m venv --without-pip "$folder"
python=$folder/bin/python
"$base" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
"$base" -m pip --disable-pip-version-check -q --python "$python" install --upgrade gradio
"$python" -c 'import gradio; print("Gradio", gradio.__version__)'
"$python" -m pytest -m "not slow" --ignore tests/browser --numprocesses 2 --dist loadfile
