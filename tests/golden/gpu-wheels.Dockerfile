# CPython 3.11, 8 distributions: tensorflow==1.0, numpy==1.0; their CUDA libraries where the loader looks.
#
# By hand, after compat-cell:a73df2d0ab687569c86c (which holds the pins), in a folder that holds this file:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 -t compat-cell:2817ceb746abecb3207f .
#
FROM compat-cell:a73df2d0ab687569c86c

ARG SITE=/opt/venv/lib/python3.11/site-packages
ENV LD_LIBRARY_PATH=${SITE}/nvidia/cublas/lib:\
${SITE}/nvidia/cuda_runtime/lib:\
${SITE}/nvidia/cudnn/lib
# XLA calls ptxas, and reads libdevice below this folder.
ENV PATH=${SITE}/nvidia/cuda_nvcc/bin:${PATH} \
    XLA_FLAGS=--xla_gpu_cuda_data_dir=${SITE}/nvidia/cuda_nvcc

LABEL compat.key="2817ceb746abecb3207f6565e946bb1926a5033103a9b8402f0d878e56946fc1"
