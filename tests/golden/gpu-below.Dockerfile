# CPython 3.11, 8 distributions: tensorflow==1.0, numpy==1.0
#
# By hand, in a folder that holds this file and those beside it:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --output /tmp/nothing -f fetch.Dockerfile \
#     --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --network none -t compat-cell:a73df2d0ab687569c86c .
#
FROM compat-base:debian-3.11-0123456789ab
USER 65534:65534

# the libraries of cuda12.2, 1200 MB
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-1.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

# tensorflow==1.0, 400 MB
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-2.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

# numpy==1.0, 25 MB
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-3.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

# the rest of the lock
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-4.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

LABEL compat.key="a73df2d0ab687569c86c6480b68734a721a804b929453f4d02ba70ef8a7c5157"
