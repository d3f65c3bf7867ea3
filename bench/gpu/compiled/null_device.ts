/** Mesa's drivers for AMD and Intel without a GPU: the environment in which Deno finds one. */

import { fileURLToPath } from "node:url";
import { DeviceError } from "../../../core/mod.ts";

const LAYER = "VK_LAYER_residua_null_device";
/** Where Linux has the files that tell Vulkan of drivers. */
const DRIVERS = "/usr/share/vulkan/icd.d";

/** A GPU of Intel. */
interface IntelDevice {
  /** The number by which PCI knows it. */
  readonly number: string;
  /** The profile of its kernels. */
  readonly profile: string;
  /** Whether it has memory of its own. */
  readonly hasMemory?: boolean;
}

/** GPUs of Intel by the names of their families. */
const INTEL: Readonly<Record<string, IntelDevice>> = {
  skl: { number: "0x1912", profile: "intel" },
  icl: { number: "0x8a52", profile: "intel" },
  tgl: { number: "0x9a49", profile: "intel" },
  adl: { number: "0x46a6", profile: "intel" },
  dg2: { number: "0x56a0", profile: "intel-gen-12-hp", hasMemory: true },
};

/** Intel's families. All others are AMD's, which Mesa knows by name. */
export const INTEL_FAMILIES: readonly string[] = Object.keys(INTEL);

/** The name of the profile by which kernels are chosen for a family. */
export function profileOf(family: string): string {
  return INTEL[family]?.profile ?? "amd";
}

/**
 * Builds what a driver lacks, in a folder.
 *
 * @param family The GPU: one of {@link INTEL_FAMILIES}, or AMD's, as Mesa names it, such as `navi21`.
 * @returns The environment of a process that is to find the device.
 * @throws {DeviceError} If there is no driver, or no compiler.
 */
export async function nullDevice(folder: string, family: string): Promise<Record<string, string>> {
  const intel = INTEL[family];
  const driver = await findDriver(intel === undefined ? "radeon_icd" : "intel_icd");
  await build("null_device.c", `${folder}/layer.so`);
  if (intel !== undefined) await build("null_intel.c", `${folder}/intel.so`);
  await Deno.writeTextFile(
    `${folder}/layer.json`,
    JSON.stringify({
      file_format_version: "1.1.2",
      layer: {
        name: LAYER,
        type: "GLOBAL",
        library_path: `${folder}/layer.so`,
        api_version: "1.3.0",
        implementation_version: "1",
        description: "What a device without a GPU lacks",
      },
    }),
  );
  return {
    VK_LAYER_PATH: folder,
    VK_INSTANCE_LAYERS: LAYER,
    VK_ICD_FILENAMES: driver,
    DENO_WEBGPU_BACKEND: "vulkan",
    ...(intel === undefined ? { RADV_FORCE_FAMILY: family, RADV_DEBUG: "shaders,shaderstats,nocache" } : {
      LD_PRELOAD: `${folder}/intel.so`,
      RESIDUA_INTEL_DEVICE: intel.number,
      ...(intel.hasMemory ? { RESIDUA_INTEL_MEMORY: "1" } : {}),
      INTEL_DEBUG: "cs",
      MESA_SHADER_CACHE_DISABLE: "true",
    }),
  };
}

async function findDriver(name: string): Promise<string> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(DRIVERS)) names.push(name);
  } catch {
    // Said below.
  }
  const driver = names.find((each) => each.startsWith(name));
  if (driver === undefined) {
    throw new DeviceError(`There is no ${name} in ${DRIVERS}: install Mesa's Vulkan drivers (mesa-vulkan-drivers)`);
  }
  return `${DRIVERS}/${driver}`;
}

async function build(name: string, target: string): Promise<void> {
  const source = fileURLToPath(new URL(name, import.meta.url));
  const args = ["-shared", "-fPIC", "-O1", "-I/usr/include/libdrm", "-o", target, source];
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command("cc", { args, stderr: "piped" }).output();
  } catch {
    throw new DeviceError("There is no C compiler: install gcc, libvulkan-dev and libdrm-dev");
  }
  if (result.success) return;
  const lines = new TextDecoder().decode(result.stderr).split("\n");
  const told = lines.find((line) => line.includes("error")) ?? lines[0];
  throw new DeviceError(`cc does not build ${name}: ${told}; it needs the headers of libvulkan-dev and libdrm-dev`);
}
