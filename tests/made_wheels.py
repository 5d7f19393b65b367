"""Wheels of TensorFlow made in the tests: what their files say, as those of real ones say it."""

from __future__ import annotations

import io
import zipfile

PLAIN = """\
from __future__ import print_function

is_rocm_build = False
is_cuda_build = True

cuda_version_number = '10'
cudnn_version_number = '7'
"""
ORDERED = """\
import collections

build_info = collections.OrderedDict([('cpu_compiler', '/dt9/usr/bin/gcc'), ('cuda_compute_capabilities', ['sm_35', \
'compute_80']), ('cuda_version', '11.2'), ('cudnn_version', '8'), ('is_cuda_build', True), ('is_rocm_build', False)])
"""
DICT = "build_info = {'cuda_version': '10.1', 'cudnn_version': '7', 'is_cuda_build': True}\n"
SILENT = """\
import collections

build_info = collections.OrderedDict([('is_cuda_build', True), ('is_rocm_build', False), ('is_tensorrt_build', False)])
"""
OLD_HEADER = """\
#ifndef CUDA_CUDA_CONFIG_H_
#define CUDA_CUDA_CONFIG_H_

#define TF_CUDA_CAPABILITIES CudaVersion("3.5"), CudaVersion("7.0")

#define TF_CUDA_VERSION "10.1"
#define TF_CUDA_LIB_VERSION "10"
#define TF_CUDNN_VERSION "7"

#define TF_CUDA_TOOLKIT_PATH "/usr/local/cuda"

#endif  // CUDA_CUDA_CONFIG_H_
"""
NEW_HEADER = """\
#define TF_CUDA_VERSION "12.5.1"
#define TF_CUDART_VERSION "12"
#define TF_CUPTI_VERSION "12"
#define TF_CUBLAS_VERSION "12"
#define TF_CUSOLVER_VERSION "11"
#define TF_CURAND_VERSION "10"
#define TF_CUFFT_VERSION "11"
#define TF_CUSPARSE_VERSION "12"
#define TF_CUDNN_VERSION "9"

#define TF_CUDA_TOOLKIT_PATH ""

#define TF_CUDA_COMPUTE_CAPABILITIES 60, 89, 90a, 120
"""
NO_CUDA_HEADER = '#define TF_CUDA_CAPABILITIES CudaVersion("3.5"),CudaVersion("5.2")\n#define TF_CUDA_VERSION ""\n'
CUDNN_HEADER = """\
#define CUDNN_MAJOR 9
#define CUDNN_MINOR 10
#define CUDNN_PATCHLEVEL 0
#define CUDNN_VERSION (CUDNN_MAJOR * 10000 + CUDNN_MINOR * 100 + CUDNN_PATCHLEVEL)
"""
NEW_SONAMES = (
    "libcudart.so.12", "libcublas.so.12", "libcufft.so.11", "libcurand.so.10", "libcusolver.so.11",
    "libcusparse.so.12", "libcudnn.so.9",
)  # fmt: skip
OLD_SONAMES = (
    "libcudart.so.10.1", "libcublas.so.10", "libcufft.so.10", "libcurand.so.10", "libcusolver.so.10",
    "libcusparse.so.10", "libcudnn.so.7",
)  # fmt: skip


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
        made.comment = comment
    return stream.getvalue()


RANDOM = bytes((i * 7919 + (i >> 8) * 104729) % 251 for i in range(300_000))
"""Does not compress much."""

CP39 = "tensorflow-2.99.0-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
CP311 = "tensorflow-2.99.0-cp311-cp311-manylinux_2_27_x86_64.whl"
METADATA = """\
Metadata-Version: 2.1
Name: tensorflow
Version: 2.99.0
Provides-Extra: and-cuda
Requires-Dist: numpy
Requires-Dist: nvidia-cublas-cu12 ==12.3.4.1 ; extra == 'and-cuda'
Requires-Dist: nvidia-cuda-runtime-cu12 <13.0,>=12.5.82 ; extra == 'and-cuda'
Requires-Dist: nvidia-cudnn-cu12 <10.0,>=9.3.0.75 ; extra == 'and-cuda'
Requires-Dist: nvidia-old ; extra == 'and-cuda' and python_version < "3.9"
Requires-Dist: nvidia-win ; extra == 'and-cuda' and sys_platform == "win32"
Requires-Dist: this is no requirement
Requires-Dist: other ; extra == 'other'
"""


def a_wheel(info: str = SILENT, config: str = NEW_HEADER, metadata: str = METADATA) -> bytes:
    folder = "tensorflow/include/external"
    return archive(
        {
            "tensorflow/libtensorflow_framework.so.2": RANDOM * 3,
            "tensorflow/python/platform/build_info.py": info.encode(),
            "tensorflow/python/platform/build_info_test.py": b"cuda_version = 'wrong'",
            f"{folder}/local_config_cuda/cuda/cuda/cuda_config.h": config.encode(),
            "tensorflow/include/third_party/gpus/cuda/cuda_config.h": config.encode(),
            f"{folder}/cuda_cudnn/include/cudnn_version.h": CUDNN_HEADER.encode(),
            "tensorflow-2.99.0.dist-info/METADATA": metadata.encode(),
        }
    )
