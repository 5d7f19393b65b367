# CPython 3.11, 5 distributions: tensorflow==1.0, numpy==1.0, kerassurgeon==0.1.3
#
# By hand, in a folder that holds this file and those beside it:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --output /tmp/nothing -f fetch.Dockerfile \
#     --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --network none -t compat-cell:82e27137731a75512b4a .
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

# what the matrix is about: kerassurgeon==0.1.3
RUN --mount=type=bind,source=install,target=/tmp/install \
    --mount=type=bind,source=layer-4.txt,target=/tmp/layer.txt \
    --mount=type=cache,id=compat-wheels,target=/var/cache/wheels,readonly \
    /opt/compat/python -I -S -B /tmp/install/install.py /opt/venv /var/cache/wheels /tmp/layer.txt

LABEL compat.key="82e27137731a75512b4a283da2b8b28a260d49f2a6711b660d426d8d43c2b07d"
