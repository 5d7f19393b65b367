/* A stand-in for the CUDA driver (libcuda.so.1), for machines without a GPU.
 *
 * It answers as a driver with one device would, so that TensorFlow goes on to search its CUDA libraries and says
 * whether it would register the device. It carries nothing out: whatever would allocate or copy memory, load a module
 * or launch a kernel answers CUDA_ERROR_NOT_SUPPORTED. Its device is named "stand-in, no GPU". It is used during an
 * audit only and belongs into no image that is published.
 *
 *   COMPAT_STAND_IN_CAPABILITY  compute capability without the dot: 80 is 8.0 (the default), 120 is 12.0
 *   COMPAT_STAND_IN_DRIVER      what cuDriverGetVersion answers: 12050 is a driver for CUDA 12.5 (default 13000)
 *
 * C99, no header but the C library's:  cc -std=c99 -O1 -shared -fPIC -Wl,-soname,libcuda.so.1 -o libcuda.so.1 stand_in.c
 * Names, numbers and signatures are those of NVIDIA's CUDA driver API reference; pointers to its opaque types and its
 * enumerations have the sizes of the plain types used here.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default"))) int

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    INVALID_DEVICE = 101,
    PEER_ACCESS_ALREADY_ENABLED = 704,
    NOT_FOUND = 500,
    NOT_SUPPORTED = 801
};

static const char DEVICE_NAME[] = "stand-in, no GPU";
static const char BUS_ID[] = "0000:00:00.0";
static const size_t MEMORY = (size_t)16 << 30;

/* Anything non-null and ours will do for a context: it is only ever handed back. */
static int the_context;
static __thread void *current;

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    int value = text != NULL ? atoi(text) : 0;
    return value > 0 ? value : otherwise;
}

static int capability(void) { return number("COMPAT_STAND_IN_CAPABILITY", 80); }

static int write_text(const char *text, char *out, int room) {
    if (out == NULL || room <= 0) return INVALID_VALUE;
    strncpy(out, text, (size_t)room - 1);
    out[room - 1] = '\0';
    return SUCCESS;
}

static int one_device(int device) { return device == 0 ? SUCCESS : INVALID_DEVICE; }

/* The driver and its device */

API cuInit(unsigned flags) { return flags == 0 ? SUCCESS : INVALID_VALUE; }

API cuDriverGetVersion(int *version) {
    *version = number("COMPAT_STAND_IN_DRIVER", 13000);
    return SUCCESS;
}

API cuDeviceGetCount(int *count) {
    *count = 1;
    return SUCCESS;
}

API cuDeviceGet(int *device, int ordinal) {
    *device = 0;
    return one_device(ordinal);
}

API cuDeviceGetName(char *name, int room, int device) {
    return one_device(device) == SUCCESS ? write_text(DEVICE_NAME, name, room) : INVALID_DEVICE;
}

API cuDeviceComputeCapability(int *major, int *minor, int device) {
    *major = capability() / 10;
    *minor = capability() % 10;
    return one_device(device);
}

API cuDeviceTotalMem_v2(size_t *bytes, int device) {
    *bytes = MEMORY;
    return one_device(device);
}

API cuDeviceGetPCIBusId(char *id, int room, int device) {
    return one_device(device) == SUCCESS ? write_text(BUS_ID, id, room) : INVALID_DEVICE;
}

API cuDeviceGetByPCIBusId(int *device, const char *id) {
    *device = 0;
    return id != NULL ? SUCCESS : INVALID_VALUE;
}

API cuDeviceGetUuid(char *uuid, int device) {
    memcpy(uuid, "stand-in, no GPU", 16);
    return one_device(device);
}

API cuDeviceGetUuid_v2(char *uuid, int device) { return cuDeviceGetUuid(uuid, device); }

API cuDeviceCanAccessPeer(int *can, int device, int peer) {
    *can = device == peer;
    return SUCCESS;
}

API cuDeviceGetP2PAttribute(int *value, int attribute, int source, int target) {
    (void)attribute, (void)source, (void)target;
    *value = 0;
    return SUCCESS;
}

/* Numbers of CUdevice_attribute. What is not listed is a feature that the stand-in does not have. */
API cuDeviceGetAttribute(int *value, int attribute, int device) {
    static const int known[][2] = {
        {1, 1024},       /* threads per block */
        {2, 1024},       /* block, x */
        {3, 1024},       /* block, y */
        {4, 64},         /* block, z */
        {5, 2147483647}, /* grid, x */
        {6, 65535},      /* grid, y */
        {7, 65535},      /* grid, z */
        {8, 49152},      /* shared memory per block, bytes */
        {9, 65536},      /* constant memory, bytes */
        {10, 32},        /* warp size */
        {11, 2147483647}, /* pitch, bytes */
        {12, 65536},     /* registers per block */
        {13, 1410000},   /* clock, kHz */
        {16, 108},       /* multiprocessors; TensorFlow ignores a device with less than 8 */
        {36, 1215000},   /* memory clock, kHz */
        {37, 5120},      /* memory bus, bits */
        {38, 41943040},  /* second-level cache, bytes */
        {39, 2048},      /* threads per multiprocessor */
        {41, 1},         /* unified addressing */
        {81, 167936},    /* shared memory per multiprocessor, bytes */
        {82, 65536},     /* registers per multiprocessor */
        {97, 166912},    /* shared memory per block on request, bytes */
        {106, 32},       /* blocks per multiprocessor */
        {111, 1024},     /* shared memory reserved per block, bytes */
    };
    size_t i;
    *value = 0;
    if (attribute == 75) *value = capability() / 10;
    if (attribute == 76) *value = capability() % 10;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i][0] == attribute) *value = known[i][1];
    return one_device(device);
}

/* Contexts: there is one, and it does nothing. */

API cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = &the_context;
    return one_device(device);
}

API cuDevicePrimaryCtxRelease_v2(int device) { return one_device(device); }
API cuDevicePrimaryCtxRelease(int device) { return one_device(device); }
API cuDevicePrimaryCtxReset_v2(int device) { return one_device(device); }
API cuDevicePrimaryCtxReset(int device) { return one_device(device); }

API cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    *flags = 0;
    *active = 0;
    return one_device(device);
}

API cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) {
    (void)flags;
    return one_device(device);
}

API cuDevicePrimaryCtxSetFlags(int device, unsigned flags) { return cuDevicePrimaryCtxSetFlags_v2(device, flags); }

API cuCtxGetCurrent(void **context) {
    *context = current;
    return SUCCESS;
}

API cuCtxSetCurrent(void *context) {
    current = context;
    return SUCCESS;
}

API cuCtxPushCurrent_v2(void *context) { return cuCtxSetCurrent(context); }

API cuCtxPopCurrent_v2(void **context) {
    if (context != NULL) *context = current;
    current = NULL;
    return SUCCESS;
}

API cuCtxPushCurrent(void *context) { return cuCtxSetCurrent(context); }
API cuCtxPopCurrent(void **context) { return cuCtxPopCurrent_v2(context); }

API cuCtxGetDevice(int *device) {
    *device = 0;
    return SUCCESS;
}

API cuCtxGetApiVersion(void *context, unsigned *version) {
    (void)context;
    *version = 3020;
    return SUCCESS;
}

API cuCtxSynchronize(void) { return SUCCESS; }

API cuCtxEnablePeerAccess(void *peer, unsigned flags) {
    (void)peer, (void)flags;
    return PEER_ACCESS_ALREADY_ENABLED;
}

API cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    if (least != NULL) *least = 0;
    if (greatest != NULL) *greatest = 0;
    return SUCCESS;
}

API cuMemGetInfo_v2(size_t *available, size_t *total) {
    *available = MEMORY;
    *total = MEMORY;
    return SUCCESS;
}

API cuPointerGetAttribute(void *value, int attribute, unsigned long long pointer) {
    (void)value, (void)attribute, (void)pointer;
    return INVALID_VALUE;
}

/* Errors */

static const struct { int code; const char *name, *text; } ERRORS[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {PEER_ACCESS_ALREADY_ENABLED, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "the stand-in driver carries nothing out"},
};

static int describe(int code, const char **out, int as_name) {
    size_t i;
    *out = NULL;
    for (i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++)
        if (ERRORS[i].code == code) *out = as_name ? ERRORS[i].name : ERRORS[i].text;
    return *out != NULL ? SUCCESS : INVALID_VALUE;
}

API cuGetErrorName(int code, const char **name) { return describe(code, name, 1); }
API cuGetErrorString(int code, const char **text) { return describe(code, text, 0); }

/* What a driver carries out, and this one never does. The arguments are not looked at. */

#define NEVER(name) \
    API name(void) { return NOT_SUPPORTED; }

NEVER(cuCtxCreate_v2)
NEVER(cuCtxDestroy_v2)
NEVER(cuMemAlloc_v2)
NEVER(cuMemAllocManaged)
NEVER(cuMemAllocHost_v2)
NEVER(cuMemHostAlloc)
NEVER(cuMemHostRegister_v2)
NEVER(cuMemFree_v2)
NEVER(cuMemFreeHost)
NEVER(cuMemAllocAsync)
NEVER(cuMemFreeAsync)
NEVER(cuMemcpyHtoD_v2)
NEVER(cuMemcpyDtoH_v2)
NEVER(cuMemcpyDtoD_v2)
NEVER(cuMemcpyHtoDAsync_v2)
NEVER(cuMemcpyDtoHAsync_v2)
NEVER(cuMemcpyDtoDAsync_v2)
NEVER(cuMemsetD8_v2)
NEVER(cuMemsetD32_v2)
NEVER(cuMemsetD8Async)
NEVER(cuMemsetD32Async)
NEVER(cuLinkCreate_v2)
NEVER(cuLinkAddData_v2)
NEVER(cuLinkAddFile_v2)
NEVER(cuLinkComplete)
NEVER(cuLinkDestroy)
NEVER(cuModuleLoadData)
NEVER(cuModuleLoadDataEx)
NEVER(cuModuleLoadFatBinary)
NEVER(cuModuleGetFunction)
NEVER(cuModuleGetGlobal_v2)
NEVER(cuModuleUnload)
NEVER(cuCtxGetLimit)
NEVER(cuTensorMapEncodeTiled)
NEVER(cuFuncGetAttribute)
NEVER(cuFuncSetAttribute)
NEVER(cuOccupancyMaxActiveBlocksPerMultiprocessor)
NEVER(cuLaunchKernel)
NEVER(cuLaunchKernelEx)
NEVER(cuStreamCreate)
NEVER(cuStreamCreateWithPriority)
NEVER(cuStreamDestroy_v2)
NEVER(cuStreamSynchronize)
NEVER(cuEventCreate)
NEVER(cuEventDestroy_v2)
NEVER(cuEventRecord)
NEVER(cuEventSynchronize)
NEVER(cuGetExportTable)
