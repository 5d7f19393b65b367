# CPython 3.11, 4 distributions: tensorflow==1.0, numpy==1.0; their CUDA libraries where the loader looks.
#
# By hand, after compat-cell:ac3c2d9005f0acc2d75f (which holds the pins), in a folder that holds this file and the libraries below `cuda`:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 -t compat-cell:4bebee249d7088bbf761 .
#
FROM compat-cell:ac3c2d9005f0acc2d75f

# Libraries of the machine this is built on.
COPY cuda/ /opt/cuda/lib/

ENV LD_LIBRARY_PATH=/opt/cuda/lib

LABEL compat.key="4bebee249d7088bbf761d95eb178d4e28b480cd23329db0c8b01bcde6aceda85"
