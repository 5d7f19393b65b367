#!/bin/sh
# install.sh REQUIREMENTS: installs hash-pinned wheels, with the network left out of the installing.
#   41  a file could not be fetched: the network, the index or the disk; never a verdict about a package
#   42  what was fetched could not be installed
# install.sh (no argument): installs the wheels that builder stages left under /tmp/wheels/*/.
set -u
. /tmp/host.sh
wheels() {
    uv pip install --offline --no-deps --no-build --require-hashes --link-mode copy --compile-bytecode -r "$1"
}
if [ "$#" -gt 0 ]; then
    # Mostly uv's cache has every file already. Where it does not, what is missing is fetched first, into links that
    # are thrown away: this fills the cache and writes no file twice.
    wheels "$1" 2>/tmp/fetched/offline || {
        echo "not everything is in the cache: fetching"
        uv pip install --no-deps --no-build --require-hashes --link-mode symlink --target /tmp/fetched/site -r "$1" \
            || exit 41
        wheels "$1" || exit 42
    }
else
    uv pip install --offline --no-index --no-deps --no-cache --compile-bytecode /tmp/wheels/*/*.whl || exit 42
    mkdir -p /opt/compat && cat /tmp/wheels/*/compiled.txt >> /opt/compat/compiled.txt || exit 45
fi
