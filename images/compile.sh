#!/bin/sh
# compile.sh NAME VERSION FILENAME SHA256: builds a wheel from one source distribution into /out.
#   43  the source could not be fetched, or is not the one that was locked
#   44  it was fetched and does not build
#   45  the machine's own trouble
set -u
. /tmp/host.sh
mkdir -p /out || exit 45
python /tmp/sdist.py fetch "$1" "$3" "$4" /tmp/sdist || exit 43
if ! uv build --wheel --no-cache --out-dir /out "/tmp/sdist/$3"; then
    # A build asks the index for its own requirements: only where that answers is the failure the package's.
    python /tmp/sdist.py answers setuptools || exit 43
    exit 44
fi
rm -rf /tmp/sdist /out/.gitignore
for wheel in /out/*.whl; do
    printf '%s==%s %s sha256:%s\n' "$1" "$2" "${wheel##*/}" "$(sha256sum "$wheel" | cut -d ' ' -f 1)" || exit 45
done > /out/compiled.txt
