/** The sources of the repository, and the packages that they name. */

import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The folders of sources. */
export const SOURCE_FOLDERS: readonly string[] = [
  ...["core", "kernels", "ops", "blocks", "models", "data", "weights", "inference", "train"],
  ...["files", "disk", "images", "onnx", "plots", "cli"],
  ...["bench", "examples", "tools", "tests"],
];

/** The paths of all TypeScript files, from the root. AssemblyScript's and those of golden values are none. */
export async function sourceFiles(): Promise<string[]> {
  const found = ["mod.ts"];
  const visit = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) {
        if (!["assembly", "golden", "node_modules"].includes(name)) await visit(path);
      } else if (name.endsWith(".ts")) found.push(path);
    }
  };
  for (const folder of SOURCE_FOLDERS) await visit(folder);
  return found.sort();
}

/** The sources whose packages are in a lock of their own, so that none but them fetches these, and that lock. */
export const OWN_LOCKS: Readonly<Record<string, string>> = {
  "tools/build_wasm.ts": "tools/build_wasm.lock",
  "tools/types.ts": "tools/types.lock",
  "tools/build_npm.ts": "tools/build_npm.lock",
  "tools/build_docs.ts": "tools/build_docs.lock",
  "cli/gpu/dawn.ts": "cli/gpu/dawn.lock",
  "tests/_onnx_runtime_process.ts": "tests/onnxruntime.lock",
  "tests/_cyclonedx_process.ts": "tests/cyclonedx.lock",
  "tests/_yaml_process.ts": "tests/yaml.lock",
};

/**
 * The locks of commands with `--gpu dawn`, by configuration: what the configuration's own lock has, and Dawn. Deno fetches all
 * packages of a lock with the first that is needed, and Dawn's has 51 MB.
 */
export const DAWN_LOCKS: Readonly<Record<string, string>> = {
  "deno.json": "cli/gpu/dawn.lock",
  "deno.offline.json": "cli/gpu/dawn.offline.lock",
};

/** The peers of benchmarks are fetched by who measures them; their versions are exact, and no lock has them. */
export const WITHOUT_LOCK = "bench/cpu/peers/";

/** Where a source names what it imports: a statement, an import that waits, or a constant called `specifier` or `specifiers`. */
const NAMING = /\b(?:from\s+|import\s*\(?\s*|specifier = |specifiers = \[\s*)"[^\];]*/g;
/** A package of the npm registry or of JSR. */
const SPECIFIER = /"((?:npm|jsr):[^"\s]+)"/g;

/** The packages of npm and JSR that sources name themselves, beside the import maps, and a source that does. */
export async function inlineSpecifiers(files: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of files) {
    for (const [naming] of (await Deno.readTextFile(root + file)).matchAll(NAMING)) {
      for (const [, specifier] of naming.matchAll(SPECIFIER)) found.set(specifier, file);
    }
  }
  return found;
}

/** Those of npm. */
export async function npmSpecifiers(files: readonly string[]): Promise<string[]> {
  return [...(await inlineSpecifiers(files)).keys()].filter((specifier) => specifier.startsWith("npm:"));
}
