/** What is known of a device when kernels are chosen for it. Profiles of devices that are not at hand have names. */

import { ASSUMED_MULTIPROCESSORS, type Multiprocessors, multiprocessorsOf } from "./multiprocessors.ts";

/** The limits of a WebGPU device that kernels must respect. */
export interface DeviceLimits {
  /** The most workgroups of a dispatch along one axis. */
  readonly maxComputeWorkgroupsPerDimension: number;
  /** The most threads of a workgroup. */
  readonly maxComputeInvocationsPerWorkgroup: number;
  /** The most bytes of workgroup memory. */
  readonly maxComputeWorkgroupStorageSize: number;
  /** The largest storage binding in bytes. */
  readonly maxStorageBufferBindingSize: number;
  /** The most storage buffers of one dispatch. */
  readonly maxStorageBuffersPerShaderStage: number;
  /** The most vectors of four elements that a kernel can read of a buffer through a texture; 0 if none. */
  readonly maxTexels: number;
}

/** What a device can do: all that kernels may depend on. */
export interface DeviceAbilities {
  /** The limits. */
  readonly limits: DeviceLimits;
  /** Whether shaders may compute with f16. */
  readonly float16: boolean;
  /** Whether shaders may use subgroups. */
  readonly subgroups: boolean;
  /** The subgroup matrices that shaders may use. Defaults to none. */
  readonly subgroupMatrix?: SubgroupMatrix;
}

/** Matrices of float16 that a subgroup multiplies and adds up in float32: C [m, n] += A [m, k] · B [k, n]. */
export interface SubgroupMatrix {
  /** Rows of A and C. */
  readonly m: number;
  /** Columns of B and C. */
  readonly n: number;
  /** Columns of A and rows of B. */
  readonly k: number;
  /** Threads of every subgroup. */
  readonly subgroupSize: number;
}

/** A device that runs on the CPU (lavapipe, SwiftShader, WARP), or one that does not. */
export type DeviceKind = "software" | "hardware";

/** What a device is: what the policy that chooses among kernels may ask beside its abilities. */
export interface DeviceProfile extends DeviceAbilities {
  /** The device's name for people. */
  readonly name: string;
  /** Whether it runs on the CPU. */
  readonly kind: DeviceKind;
  /** `nvidia`, `amd`, `intel`, `apple`, `arm`, `qualcomm` or `mesa`; empty if unknown. */
  readonly vendor: string;
  /** The vendor's generation, such as `nvidia-hopper`; empty if unknown. */
  readonly architecture: string;
  /** Its multiprocessors, as {@link multiprocessorsOf} gives them: WebGPU does not tell. */
  readonly multiprocessors: Multiprocessors;
}

/** What every WebGPU device offers, by the standard: what is assumed where there is no adapter. */
export const DEFAULT_PROFILE: DeviceProfile = {
  name: "a device of WebGPU's default limits",
  kind: "hardware",
  vendor: "",
  architecture: "",
  multiprocessors: ASSUMED_MULTIPROCESSORS,
  limits: {
    maxComputeWorkgroupsPerDimension: 65_535,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupStorageSize: 16_384,
    maxStorageBufferBindingSize: 128 << 20,
    maxStorageBuffersPerShaderStage: 8,
    maxTexels: 0,
  },
  float16: false,
  subgroups: false,
};

/** Mesa 22.3's lavapipe in Deno, as its adapter says. */
const LAVAPIPE: DeviceProfile = {
  name: "llvmpipe",
  kind: "software",
  vendor: "mesa",
  architecture: "",
  multiprocessors: ASSUMED_MULTIPROCESSORS,
  limits: {
    maxComputeWorkgroupsPerDimension: 65_535,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupStorageSize: 32_768,
    maxStorageBufferBindingSize: 128 << 20,
    maxStorageBuffersPerShaderStage: 32,
    maxTexels: 8_388_608,
  },
  float16: true,
  subgroups: false,
};

/** An H100 under Deno (wgpu on Vulkan), as its adapter says. */
const HOPPER: DeviceProfile = {
  name: "NVIDIA H100 80GB HBM3",
  kind: "hardware",
  vendor: "nvidia",
  architecture: "nvidia-hopper",
  multiprocessors: multiprocessorsOf("nvidia", "nvidia-hopper", ""),
  limits: {
    maxComputeWorkgroupsPerDimension: 65_535,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupStorageSize: 49_152,
    maxStorageBufferBindingSize: 2 ** 31 - 4,
    maxStorageBuffersPerShaderStage: 524_288,
    maxTexels: 33_554_432,
  },
  float16: true,
  subgroups: false,
};

/** A device of WebGPU's default limits, with what is derived of its kind of multiprocessors. */
function derived(name: string): DeviceProfile {
  const [vendor] = name.split("-"), architecture = name === vendor ? "" : name;
  return {
    ...DEFAULT_PROFILE,
    name,
    vendor,
    architecture,
    multiprocessors: multiprocessorsOf(vendor, architecture, ""),
  };
}

/**
 * Profiles by name, for what is asked about devices that are not at hand. `lavapipe` and `nvidia-hopper` were read off
 * adapters; the others have WebGPU's default limits, which any such device offers at least, and derived multiprocessors.
 */
export const DEVICE_PROFILES: Readonly<Record<string, DeviceProfile>> = {
  default: DEFAULT_PROFILE,
  lavapipe: LAVAPIPE,
  "nvidia-hopper": HOPPER,
  ...Object.fromEntries(
    ["nvidia-ada", "nvidia-ampere", "nvidia", "amd", "intel", "intel-gen-12-hp", "apple"].map((
      name,
    ) => [name, derived(name)]),
  ),
};

/** The vendors' numbers as PCI gives them, which some runtimes tell instead of names. */
const VENDOR_NUMBERS: Readonly<Record<string, string>> = {
  "4318": "nvidia",
  "4098": "amd",
  "32902": "intel",
  "4203": "apple",
  "5045": "arm",
  "20803": "qualcomm",
  "65541": "mesa",
};

/** Architectures by what the names of their devices contain, for runtimes that do not tell them. */
const ARCHITECTURES: readonly (readonly [string, RegExp])[] = [
  ["nvidia-blackwell", /\b(B[12]00|GB200|RTX (PRO )?50\d0)\b/],
  ["nvidia-hopper", /\b(H100|H200|H800|GH200)\b/],
  ["nvidia-ada", /\b(RTX 40\d0|L4|L40S?|Ada)\b/],
  ["nvidia-ampere", /\b(A100|A10G?|A30|A40|RTX 30\d0|RTX A\d000)\b/],
  ["intel-gen-12-hp", /\bArc\b/],
  ["nvidia-turing", /\b(RTX 20\d0|GTX 16\d0|T4)\b/],
];

/** The vendor's name, of what an adapter says. */
export function vendorName(vendor: string): string {
  return VENDOR_NUMBERS[vendor] ?? vendor.toLowerCase();
}

/** The architecture, of what an adapter says. */
export function architectureName(vendor: string, architecture: string, device: string): string {
  if (architecture !== "") return `${vendor}-${architecture.toLowerCase()}`;
  return ARCHITECTURES.find(([name, pattern]) => name.startsWith(`${vendor}-`) && pattern.test(device))?.[0] ?? "";
}
