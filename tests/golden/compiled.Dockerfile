# CPython 3.11, 6 distributions: tensorflow==1.0, numpy==1.0
#
# By hand, in a folder that holds this file and the small files beside it:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 \
#     --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt -t compat-cell:3e2d4affe1a12febcf41 .
#
FROM compat-tools:uv AS tools

FROM compat-base:debian-3.11-0123456789ab

# tensorflow==1.0, 400 MB
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-1.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

# numpy==1.0, 25 MB
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-2.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

# the rest of the lock
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-3.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

# compiled from source
# No wheel for this Python: built from their sources apart, without a network; `compat run` makes what holds them.
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=bind,from=compat-built:KEY,source=/out,target=/tmp/wheels/termcolor \
    --mount=type=bind,from=compat-built:KEY,source=/out,target=/tmp/wheels/wrapt \
    sh /tmp/install.sh

LABEL compat.key="3e2d4affe1a12febcf413b5217b34ad665272bc3fcb0dc6fac434dc14533e32c"
USER 65534:65534
