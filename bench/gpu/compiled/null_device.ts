/** Mesa's AMD driver without a GPU: the environment in which Deno finds it. */

import { DeviceError } from "../../../core/mod.ts";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("null_device.c", import.meta.url)), NAME = "VK_LAYER_residua_null_device";
/** Where Linux has the files that tell Vulkan of drivers. */
const DRIVERS = "/usr/share/vulkan/icd.d";

/**
 * Builds the layer in a folder.
 *
 * @param family The GPU, as Mesa names it, such as `navi21`.
 * @returns The environment of a process that is to find the device.
 * @throws {DeviceError} If there is no driver, or no compiler.
 */
export async function nullDevice(folder: string, family: string): Promise<Record<string, string>> {
  const driver = await findDriver();
  await build(`${folder}/layer.so`);
  await Deno.writeTextFile(
    `${folder}/layer.json`,
    JSON.stringify({
      file_format_version: "1.1.2",
      layer: {
        name: NAME,
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
    VK_INSTANCE_LAYERS: NAME,
    VK_ICD_FILENAMES: driver,
    DENO_WEBGPU_BACKEND: "vulkan",
    RADV_FORCE_FAMILY: family,
    RADV_DEBUG: "shaders,shaderstats,nocache",
  };
}

async function findDriver(): Promise<string> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(DRIVERS)) names.push(name);
  } catch {
    // Said below.
  }
  const driver = names.find((name) => name.startsWith("radeon_icd"));
  if (driver === undefined) {
    throw new DeviceError(`There is no radeon_icd in ${DRIVERS}: install Mesa's Vulkan drivers (mesa-vulkan-drivers)`);
  }
  return `${DRIVERS}/${driver}`;
}

async function build(target: string): Promise<void> {
  const args = ["-shared", "-fPIC", "-O1", "-o", target, SOURCE];
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command("cc", { args, stderr: "piped" }).output();
  } catch {
    throw new DeviceError("There is no C compiler: install gcc and the headers of Vulkan (libvulkan-dev)");
  }
  if (result.success) return;
  const lines = new TextDecoder().decode(result.stderr).split("\n");
  const told = lines.find((line) => line.includes("error")) ?? lines[0];
  throw new DeviceError(`cc does not build ${SOURCE}: ${told}; it needs the headers of Vulkan (libvulkan-dev)`);
}
