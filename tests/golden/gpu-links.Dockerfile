# CPython 3.11, 8 distributions: tensorflow==1.0, numpy==1.0; their CUDA libraries where the loader looks.
#
# By hand, after compat-cell:a73df2d0ab687569c86c (which holds the pins), in a folder that holds this file:
#   DOCKER_BUILDKIT=1 docker build --platform linux/amd64 -t compat-cell:886bf2ff1ed0556b967f .
#
FROM compat-cell:a73df2d0ab687569c86c

# Names that are asked for, beside the libraries that answer to them.
USER 0:0
RUN ln -s libcublas.so.12 /opt/venv/lib/python3.11/site-packages/nvidia/cublas/lib/libcublas.so.10 \
    && ln -s libcudnn.so.8 /opt/cuda/lib/libcudnn.so.7
USER 65534:65534

ARG SITE=/opt/venv/lib/python3.11/site-packages
ENV LD_LIBRARY_PATH=${SITE}/nvidia/cublas/lib:\
${SITE}/nvidia/cuda_runtime/lib:\
${SITE}/nvidia/cudnn/lib
# XLA calls ptxas, and reads libdevice below this folder.
ENV PATH=${SITE}/nvidia/cuda_nvcc/bin:${PATH} \
    XLA_FLAGS=--xla_gpu_cuda_data_dir=${SITE}/nvidia/cuda_nvcc

LABEL compat.key="886bf2ff1ed0556b967f8c9fcdfeb076aad7061c5c9a7487a5ce79a3ddd83cb4"
