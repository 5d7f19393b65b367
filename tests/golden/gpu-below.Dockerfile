# CPython 3.11, 8 distributions: tensorflow==1.0, numpy==1.0
#
# By hand, in a folder that holds this file and the small files beside it:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 \
#     --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt -t compat-cell:a73df2d0ab687569c86c .
#
FROM compat-tools:uv AS tools

FROM compat-base:debian-3.11-0123456789ab

# the libraries of cuda12.2, 1200 MB
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-1.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

# tensorflow==1.0, 400 MB
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-2.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

# numpy==1.0, 25 MB
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-3.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

# the rest of the lock
RUN --mount=type=bind,from=tools,source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=host.sh,target=/tmp/host.sh \
    --mount=type=bind,source=install.sh,target=/tmp/install.sh \
    --mount=type=cache,id=compat-uv,target=/var/cache/uv \
    --mount=type=tmpfs,target=/tmp/fetched \
    --mount=type=secret,id=ca --mount=type=secret,id=host \
    --mount=type=bind,source=layer-4.txt,target=/tmp/layer.txt \
    sh /tmp/install.sh /tmp/layer.txt

LABEL compat.key="a73df2d0ab687569c86c6480b68734a721a804b929453f4d02ba70ef8a7c5157"
USER 65534:65534
