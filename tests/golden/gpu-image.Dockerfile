# CPython 3.11, 4 distributions: tensorflow==1.0, numpy==1.0; their CUDA libraries where the loader looks.
#
# By hand, after compat-cell:ac3c2d9005f0acc2d75f (which holds the pins), in a folder that holds this file:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 -t compat-cell:bbf70ad42db89cb54303 .
#
FROM compat-cell:ac3c2d9005f0acc2d75f

# Libraries of another image, without the rest of it.
COPY --from=nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 /usr/local/cuda/lib64/ /opt/cuda/lib/
COPY --from=nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04 /usr/lib/x86_64-linux-gnu/libcudnn*.so.* /opt/cuda/lib/

ENV LD_LIBRARY_PATH=/opt/cuda/lib

LABEL compat.key="bbf70ad42db89cb54303c72e5aae7c3f439503bd4b997134de8c1bf850b876f4"
