# CPython 3.11, 4 distributions: tensorflow==1.0, numpy==1.0
#
# By hand, in a folder that holds this file and those beside it:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --output /tmp/nothing -f fetch.Dockerfile \
#     --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 --network none -t compat-cell:c1fe205cc11443624ade .
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

ENV TF_CPP_MIN_LOG_LEVEL="2" \
    NOTE="a \"word\" costs \$1"

LABEL compat.key="c1fe205cc11443624adede1cb581c9664d84aadd3c7dadb1d838ce971c142962"
