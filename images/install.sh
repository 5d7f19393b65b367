#!/bin/sh
# install.sh REQUIREMENTS...: fetches hash-pinned wheels, then installs them with the network left out of it.
#   41  a file could not be fetched: the network, the index or the disk; never a verdict about a package
#   42  what was fetched could not be installed
# install.sh (no argument): installs the wheels that builder stages left under /tmp/wheels/*/.
set -u
. /tmp/host.sh
if [ "$#" -gt 0 ]; then
    # Into links that are thrown away: this fills uv's cache and writes no file twice.
    uv pip install --no-deps --no-build --require-hashes --link-mode symlink --target /tmp/fetched/site -r "$1" \
        || exit 41
    uv pip install --offline --no-deps --no-build --require-hashes --link-mode copy --compile-bytecode -r "$1" \
        || exit 42
else
    uv pip install --offline --no-index --no-deps --no-cache --compile-bytecode /tmp/wheels/*/*.whl || exit 42
    mkdir -p /opt/compat && cat /tmp/wheels/*/compiled.txt >> /opt/compat/compiled.txt || exit 45
fi
