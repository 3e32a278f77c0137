#!/bin/sh
# ansible-test sanity on what git would commit, with the ansible-core of the virtual environment VENV.
set -eu
venv=$(realpath "$1")
export PATH="$venv/bin:$PATH"
python=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
collection="$tree/ansible_collections/mink8s/kubernetes"
mkdir -p "$collection"
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from - --ignore-failed-read 2>/dev/null | tar --extract --directory "$collection"

# ansible-test would download this script, from a site that not every machine can reach.
pip=$(python -c 'from types import SimpleNamespace as N
from ansible_test._internal.python_requirements import get_venv_packages as p
print(p(N(version="'"$python"'"))["pip"])')
cache="$HOME/.ansible/test/cache"
bootstrap="$cache/get_pip_$(echo "$pip" | tr . _).py"
if [ ! -e "$bootstrap" ]; then
    mkdir -p "$cache"
    cat >"$bootstrap" <<PYTHON
import subprocess, sys
for module in (["ensurepip"], ["pip", "install", "--quiet", "pip==$pip"]):
    subprocess.check_call([sys.executable, "-m", *module])
PYTHON
fi

cd "$collection"
git init --quiet
git add --all
ansible-test sanity --python "$python" --requirements --color no
