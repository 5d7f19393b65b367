# CPython 3.11, 6 distributions: tensorflow==1.0, numpy==1.0
#
# By hand, in a folder that holds this file and those beside it:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --output /tmp/nothing -f fetch.Dockerfile \
#     --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --network none -t compat-cell:3e2d4affe1a12febcf41 .
#
FROM compat-base:debian-3.11-0123456789ab
USER 65534:65534

# tensorflow==1.0, 400 MB
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-1.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

# numpy==1.0, 25 MB
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-2.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

# the rest of the lock
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-3.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

# compiled from source
# No wheel for this Python: built from their sources apart, without a network; `compat run` makes what holds them.
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,from=compat-built:KEY,source=/out,target=/tmp/wheels/termcolor \
    --mount=type=bind,from=compat-built:KEY,source=/out,target=/tmp/wheels/wrapt \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /tmp/wheels

LABEL compat.key="3e2d4affe1a12febcf413b5217b34ad665272bc3fcb0dc6fac434dc14533e32c"
