/*
 * A Vulkan layer by which a runtime of WebGPU opens one of Mesa's drivers without a GPU. Such a driver compiles, but it has no
 * memory, no semaphores to export and no queue that runs. What a runtime needs of these to make pipelines is made up here;
 * nothing is ever computed.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static VkInstance instance;
/* The last value of a timeline semaphore that was to be signalled: all work is done as soon as it is submitted. */
static uint64_t done;

static const uint64_t MEMORY_BYTES = 16ull << 30;

static VkLayerInstanceCreateInfo *instance_link(const VkInstanceCreateInfo *info) {
  VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
  while (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)
    link = (VkLayerInstanceCreateInfo *)link->pNext;
  return link;
}

static VkLayerDeviceCreateInfo *device_link(const VkDeviceCreateInfo *info) {
  VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
  while (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO)
    link = (VkLayerDeviceCreateInfo *)link->pNext;
  return link;
}

static VkResult create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *callbacks,
                                VkInstance *created) {
  VkLayerInstanceCreateInfo *link = instance_link(info);
  next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance)next_instance(NULL, "vkCreateInstance");
  VkResult result = create(info, callbacks, created);
  instance = *created;
  return result;
}

static VkResult create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                              const VkAllocationCallbacks *callbacks, VkDevice *created) {
  VkLayerDeviceCreateInfo *link = device_link(info);
  PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  next_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  PFN_vkCreateDevice create = (PFN_vkCreateDevice)next(instance, "vkCreateDevice");
  return create(physical, info, callbacks, created);
}

/* Memory: one heap, of which the host sees a part. */

static void memory_properties(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *properties) {
  (void)physical;
  memset(properties, 0, sizeof *properties);
  properties->memoryHeapCount = 1;
  properties->memoryHeaps[0] = (VkMemoryHeap){MEMORY_BYTES, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
  VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  properties->memoryTypeCount = 3;
  properties->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  properties->memoryTypes[1].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | visible;
  properties->memoryTypes[2].propertyFlags = VK_MEMORY_PROPERTY_HOST_CACHED_BIT | visible;
}

static void memory_properties2(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties2 *properties) {
  memory_properties(physical, &properties->memoryProperties);
  for (VkBaseOutStructure *next = properties->pNext; next != NULL; next = next->pNext) {
    if (next->sType != VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT) continue;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget = (VkPhysicalDeviceMemoryBudgetPropertiesEXT *)next;
    for (uint32_t heap = 0; heap < VK_MAX_MEMORY_HEAPS; heap++) budget->heapBudget[heap] = MEMORY_BYTES;
    memset(budget->heapUsage, 0, sizeof budget->heapUsage);
  }
}

static VkResult allocate_memory(VkDevice device, const VkMemoryAllocateInfo *info,
                                const VkAllocationCallbacks *callbacks, VkDeviceMemory *memory) {
  (void)device, (void)callbacks;
  *memory = (VkDeviceMemory)calloc(1, info->allocationSize);
  return *memory == VK_NULL_HANDLE ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_SUCCESS;
}

static void free_memory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks *callbacks) {
  (void)device, (void)callbacks;
  free((void *)memory);
}

static VkResult map_memory(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size,
                           VkMemoryMapFlags flags, void **data) {
  (void)device, (void)size, (void)flags;
  *data = (char *)memory + offset;
  return VK_SUCCESS;
}

static VkResult create_buffer(VkDevice device, const VkBufferCreateInfo *info, const VkAllocationCallbacks *callbacks,
                              VkBuffer *buffer) {
  (void)device, (void)callbacks;
  VkDeviceSize *size = malloc(sizeof *size);
  *size = info->size;
  *buffer = (VkBuffer)size;
  return VK_SUCCESS;
}

static void destroy_buffer(VkDevice device, VkBuffer buffer, const VkAllocationCallbacks *callbacks) {
  (void)device, (void)callbacks;
  free((void *)buffer);
}

static void buffer_requirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *requirements) {
  (void)device;
  *requirements = (VkMemoryRequirements){(*(VkDeviceSize *)buffer + 255) / 256 * 256, 256, 7};
}

/* Semaphores and the queue. */

static VkResult create_semaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
                                 const VkAllocationCallbacks *callbacks, VkSemaphore *semaphore) {
  (void)device, (void)info, (void)callbacks;
  static uintptr_t last = 0;
  *semaphore = (VkSemaphore)(last += 16);
  return VK_SUCCESS;
}

static VkResult queue_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits, VkFence fence) {
  (void)queue, (void)fence;
  for (uint32_t i = 0; i < count; i++) {
    for (const VkBaseInStructure *next = submits[i].pNext; next != NULL; next = next->pNext) {
      if (next->sType != VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO) continue;
      const VkTimelineSemaphoreSubmitInfo *timeline = (const VkTimelineSemaphoreSubmitInfo *)next;
      for (uint32_t j = 0; j < timeline->signalSemaphoreValueCount; j++)
        if (timeline->pSignalSemaphoreValues[j] > done) done = timeline->pSignalSemaphoreValues[j];
    }
  }
  return VK_SUCCESS;
}

static VkResult semaphore_value(VkDevice device, VkSemaphore semaphore, uint64_t *value) {
  (void)device, (void)semaphore;
  *value = done;
  return VK_SUCCESS;
}

static VkResult succeed(void) { return VK_SUCCESS; }
static void ignore(void) {}

typedef struct {
  const char *name;
  PFN_vkVoidFunction function;
} Entry;

#define ENTRY(name, function) {name, (PFN_vkVoidFunction)function}

static PFN_vkVoidFunction find(const Entry *entries, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(entries[i].name, name) == 0) return entries[i].function;
  return NULL;
}

static PFN_vkVoidFunction device_function(VkDevice device, const char *name) {
  static const Entry entries[] = {
      ENTRY("vkGetDeviceProcAddr", device_function),
      ENTRY("vkAllocateMemory", allocate_memory),
      ENTRY("vkFreeMemory", free_memory),
      ENTRY("vkMapMemory", map_memory),
      ENTRY("vkUnmapMemory", ignore),
      ENTRY("vkFlushMappedMemoryRanges", succeed),
      ENTRY("vkInvalidateMappedMemoryRanges", succeed),
      ENTRY("vkCreateBuffer", create_buffer),
      ENTRY("vkDestroyBuffer", destroy_buffer),
      ENTRY("vkGetBufferMemoryRequirements", buffer_requirements),
      ENTRY("vkBindBufferMemory", succeed),
      ENTRY("vkUpdateDescriptorSets", ignore),
      ENTRY("vkCreateSemaphore", create_semaphore),
      ENTRY("vkDestroySemaphore", ignore),
      ENTRY("vkGetSemaphoreCounterValue", semaphore_value),
      ENTRY("vkGetSemaphoreCounterValueKHR", semaphore_value),
      ENTRY("vkWaitSemaphores", succeed),
      ENTRY("vkWaitSemaphoresKHR", succeed),
      ENTRY("vkQueueSubmit", queue_submit),
      ENTRY("vkQueueWaitIdle", succeed),
      ENTRY("vkDeviceWaitIdle", succeed),
      ENTRY("vkGetQueryPoolResults", succeed),
      ENTRY("vkBeginCommandBuffer", succeed),
      ENTRY("vkEndCommandBuffer", succeed),
  };
  PFN_vkVoidFunction own = find(entries, sizeof entries / sizeof *entries, name);
  if (own != NULL) return own;
  if (strncmp(name, "vkCmd", 5) == 0) return (PFN_vkVoidFunction)ignore;
  return next_device(device, name);
}

static PFN_vkVoidFunction instance_function(VkInstance of, const char *name) {
  static const Entry entries[] = {
      ENTRY("vkGetInstanceProcAddr", instance_function),
      ENTRY("vkGetDeviceProcAddr", device_function),
      ENTRY("vkCreateInstance", create_instance),
      ENTRY("vkCreateDevice", create_device),
      ENTRY("vkGetPhysicalDeviceMemoryProperties", memory_properties),
      ENTRY("vkGetPhysicalDeviceMemoryProperties2", memory_properties2),
      ENTRY("vkGetPhysicalDeviceMemoryProperties2KHR", memory_properties2),
  };
  PFN_vkVoidFunction own = find(entries, sizeof entries / sizeof *entries, name);
  if (own != NULL) return own;
  return next_instance == NULL ? NULL : next_instance(of, name);
}

VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface) {
  interface->loaderLayerInterfaceVersion = 2;
  interface->pfnGetInstanceProcAddr = instance_function;
  interface->pfnGetDeviceProcAddr = device_function;
  interface->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
