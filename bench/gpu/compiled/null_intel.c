/*
 * What Mesa's Intel driver asks the kernel for, answered without a GPU: preloaded, so that the driver finds a device, whose memory
 * is a file. Nothing is ever computed.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <i915_drm.h>
#include <xf86drm.h>

#define NODE "/dev/dri/renderD128"

static const uint64_t MEMORY_BYTES = 16ull << 30;
static const int SUBSLICES = 6, UNITS_OF_SUBSLICE = 16;

/* The number by which PCI knows the GPU, and whether it has memory of its own. */
static int device_number(void) { return (int)strtol(getenv("RESIDUA_INTEL_DEVICE"), NULL, 16); }
static int has_memory(void) { return getenv("RESIDUA_INTEL_MEMORY") != NULL; }

static uint32_t last_handle = 0;
static uint64_t sizes[1 << 16], next_offset = 0;

static uint32_t new_handle(uint64_t size) {
  last_handle++;
  sizes[last_handle & 0xffff] = size;
  return last_handle;
}

/* The device's file. */

static int is_node(const char *path) { return strncmp(path, "/dev/dri/", 9) == 0; }

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  if (is_node(path)) {
    int file = memfd_create("gpu", 0);
    return ftruncate(file, 1ll << 40) == 0 ? file : -1;
  }
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  return real(path, flags, mode);
}

int stat64(const char *path, struct stat64 *status) {
  if (is_node(path)) {
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFCHR | 0666;
    status->st_rdev = makedev(226, strcmp(path, NODE) == 0 ? 128 : 0);
    return 0;
  }
  int (*real)(const char *, struct stat64 *) = (int (*)(const char *, struct stat64 *))dlsym(RTLD_NEXT, "stat64");
  return real(path, status);
}

/* libdrm. */

static drmDevicePtr device(void) {
  static char *nodes[] = {"/dev/dri/card0", "/dev/dri/controlD64", NODE};
  static drmPciBusInfo bus = {0, 0, 2, 0};
  static drmPciDeviceInfo info = {.vendor_id = 0x8086, .subvendor_id = 0x8086, .revision_id = 1};
  static drmDevice made;
  info.device_id = (uint16_t)device_number();
  made.nodes = nodes;
  made.available_nodes = 1 << DRM_NODE_PRIMARY | 1 << DRM_NODE_RENDER;
  made.bustype = DRM_BUS_PCI;
  made.businfo.pci = &bus;
  made.deviceinfo.pci = &info;
  return &made;
}

int drmGetDevices2(uint32_t flags, drmDevicePtr devices[], int most) {
  (void)flags;
  if (devices != NULL && most > 0) devices[0] = device();
  return 1;
}

int drmGetDevice2(int file, uint32_t flags, drmDevicePtr *found) {
  (void)file, (void)flags;
  *found = device();
  return 0;
}

void drmFreeDevices(drmDevicePtr devices[], int count) { (void)devices, (void)count; }
void drmFreeDevice(drmDevicePtr *freed) { (void)freed; }

int drmGetCap(int file, uint64_t capability, uint64_t *value) {
  (void)file, (void)capability;
  *value = 1;
  return 0;
}

int drmSyncobjCreate(int file, uint32_t flags, uint32_t *handle) {
  (void)file, (void)flags;
  *handle = new_handle(0);
  return 0;
}

int drmSyncobjDestroy(int file, uint32_t handle) {
  (void)file, (void)handle;
  return 0;
}

/* The kernel's driver. */

static int parameter(int name) {
  switch (name) {
    case I915_PARAM_CHIPSET_ID: return device_number();
    case I915_PARAM_CMD_PARSER_VERSION: return 10;
    case I915_PARAM_MMAP_GTT_VERSION: return 4;
    case I915_PARAM_HAS_SCHEDULER: return 7;
    case I915_PARAM_CS_TIMESTAMP_FREQUENCY: return 19200000;
    default: return 1;
  }
}

/* The bytes of an answer, which is written if `data` is given; negative if there is none. */
static int answer(uint64_t question, void *data) {
  if (question == DRM_I915_QUERY_TOPOLOGY_INFO || question == DRM_I915_QUERY_GEOMETRY_SUBSLICES) {
    int masks = 1 + 1 + SUBSLICES * 2, size = (int)sizeof(struct drm_i915_query_topology_info) + masks;
    if (data == NULL) return size;
    struct drm_i915_query_topology_info *topology = memset(data, 0, size);
    topology->max_slices = 1;
    topology->max_subslices = SUBSLICES;
    topology->max_eus_per_subslice = UNITS_OF_SUBSLICE;
    topology->subslice_offset = 1;
    topology->subslice_stride = 1;
    topology->eu_offset = 2;
    topology->eu_stride = 2;
    topology->data[0] = 1;
    topology->data[1] = (1 << SUBSLICES) - 1;
    memset(topology->data + 2, 0xff, SUBSLICES * 2);
    return size;
  }
  if (question == DRM_I915_QUERY_ENGINE_INFO) {
    int size = sizeof(struct drm_i915_query_engine_info) + sizeof(struct drm_i915_engine_info);
    if (data == NULL) return size;
    struct drm_i915_query_engine_info *engines = memset(data, 0, size);
    engines->num_engines = 1;
    engines->engines[0].engine.engine_class = I915_ENGINE_CLASS_RENDER;
    return size;
  }
  if (question == DRM_I915_QUERY_MEMORY_REGIONS) {
    int count = has_memory() ? 2 : 1;
    int size = (int)(sizeof(struct drm_i915_query_memory_regions) + count * sizeof(struct drm_i915_memory_region_info));
    if (data == NULL) return size;
    struct drm_i915_query_memory_regions *memory = memset(data, 0, size);
    memory->num_regions = count;
    for (int i = 0; i < count; i++) {
      memory->regions[i].region.memory_class = i == 0 ? I915_MEMORY_CLASS_SYSTEM : I915_MEMORY_CLASS_DEVICE;
      memory->regions[i].probed_size = memory->regions[i].unallocated_size = MEMORY_BYTES;
      memory->regions[i].probed_cpu_visible_size = memory->regions[i].unallocated_cpu_visible_size = MEMORY_BYTES;
    }
    return size;
  }
  return -EINVAL;
}

static int request(unsigned long number, void *argument) {
  switch (number) {
    case DRM_IOCTL_I915_GETPARAM: {
      struct drm_i915_getparam *asked = argument;
      *asked->value = parameter(asked->param);
      return 0;
    }
    case DRM_IOCTL_I915_QUERY: {
      struct drm_i915_query *query = argument;
      struct drm_i915_query_item *items = (struct drm_i915_query_item *)(uintptr_t)query->items_ptr;
      for (uint32_t i = 0; i < query->num_items; i++)
        items[i].length =
            answer(items[i].query_id, items[i].length == 0 ? NULL : (void *)(uintptr_t)items[i].data_ptr);
      return 0;
    }
    case DRM_IOCTL_I915_GEM_CREATE: {
      struct drm_i915_gem_create *created = argument;
      created->handle = new_handle(created->size);
      return 0;
    }
    case DRM_IOCTL_I915_GEM_CREATE_EXT: {
      struct drm_i915_gem_create_ext *created = argument;
      created->handle = new_handle(created->size);
      return 0;
    }
    case DRM_IOCTL_I915_GEM_MMAP_OFFSET: {
      struct drm_i915_gem_mmap_offset *mapped = argument;
      mapped->offset = next_offset;
      next_offset += (sizes[mapped->handle & 0xffff] + 0xfffff) & ~0xfffffull;
      return 0;
    }
    case DRM_IOCTL_I915_GEM_CONTEXT_CREATE: {
      struct drm_i915_gem_context_create *created = argument;
      created->ctx_id = new_handle(0);
      return 0;
    }
    case DRM_IOCTL_I915_GEM_CONTEXT_GETPARAM: {
      struct drm_i915_gem_context_param *asked = argument;
      asked->value = asked->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48 : 1;
      return 0;
    }
    default: return 0;
  }
}

int drmIoctl(int file, unsigned long number, void *argument) {
  (void)file;
  return request(number, argument);
}

int ioctl(int file, unsigned long number, ...) {
  va_list rest;
  va_start(rest, number);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if ((number >> 8 & 0xff) == DRM_IOCTL_BASE) return request(number, argument);
  int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  return real(file, number, argument);
}
