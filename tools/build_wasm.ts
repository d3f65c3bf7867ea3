/**
 * Compiles the WebAssembly kernels into TypeScript modules, so that they load from a registry and from a bundle as well as
 * from disk: those of the CPU backend, a plain SIMD and a relaxed SIMD build and a list of the kernels' names, and those of
 * the image pipeline. With `--check` it fails if the committed modules are not what the sources give. The compiler has a lock
 * of its own, `build_wasm.lock`, so that who only runs Residua does not fetch it.
 */

/** The part of AssemblyScript's compiler that is used. */
interface Compiler {
  main(args: readonly string[], files: {
    readFile(file: string): string | null;
    writeFile(file: string, content: string | Uint8Array): void;
    listFiles(): string[];
  }): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}

const specifier = "npm:assemblyscript@0.28.20/asc";
const asc: Compiler = (await import(specifier)).default;

const root = new URL("../", import.meta.url);
// Higher levels reorder the inner loops, which then spill registers.
// deno-fmt-ignore
const OPTIONS = ["-O1", "--noAssert", "--runtime", "stub", "--enable", "simd", "--enable", "bulk-memory"];
// deno-fmt-ignore
const SHARED_MEMORY = [
  "--noExportMemory", "--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536",
  "--enable", "threads",
];
/** A folder of sources, in `assembly/`, and the builds made of them. */
const MODULES = [
  {
    folder: "core/cpu/wasm/",
    builds: [
      { name: "simd", options: SHARED_MEMORY },
      { name: "relaxed_simd", options: [...SHARED_MEMORY, "--enable", "relaxed-simd"] },
    ],
    dispatch: "dispatch.ts",
  },
  { folder: "data/wasm/", builds: [{ name: "simd", options: ["--initialMemory", "0"] }] },
];

async function compile(sources: ReadonlyMap<string, string>, options: readonly string[]): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "kernels.wasm", ...OPTIONS, ...options], {
    readFile: (file: string) => sources.get(file) ?? null,
    writeFile: (_file: string, content: string | Uint8Array) => {
      if (content instanceof Uint8Array) binary = content;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr}`);
  return binary;
}

function bytesModule(binary: Uint8Array): string {
  const lines = binary.toBase64().match(/.{1,110}/g)!.map((line) => `  "${line}",`);
  return `/** Compiled from assembly/ by \`deno task build:wasm\`; do not edit. */\n\n` +
    `/** The WebAssembly module, in base64. */\nexport const BYTES: string = [\n${lines.join("\n")}\n].join("");\n`;
}

function namesModule(dispatch: string): string {
  const cases = [...dispatch.matchAll(/case (\d+): (\w+)\(/g)];
  cases.forEach(([, number, name], index) => {
    if (Number(number) !== index) {
      throw new Error(`dispatch.ts: expected case ${index} to be ${name} but it is ${number}`);
    }
  });
  const names = cases.map(([, , name]) => `"${name}"`);
  return `/** Listed from assembly/dispatch.ts by \`deno task build:wasm\`; do not edit. */\n\n` +
    `/** The name of a WebAssembly kernel. */\nexport type CpuKernelName =\n  | ${names.join("\n  | ")};\n\n` +
    `/** The kernels; a kernel's index is its number. */\n` +
    `export const KERNEL_NAMES: readonly CpuKernelName[] = [\n  ${names.join(",\n  ")},\n];\n`;
}

let stale = false;
async function emit(path: string, text: string): Promise<void> {
  const file = new URL(path, root);
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(file, text);
  else if (await Deno.readTextFile(file).catch(() => "") !== text) {
    stale = true;
    console.error(`${path} is not what its source gives: run deno task build:wasm`);
  }
}

for (const { folder, builds, dispatch } of MODULES) {
  const sources = new Map<string, string>(), assembly = new URL(`${folder}assembly/`, root);
  for await (const { name } of Deno.readDir(assembly)) {
    if (name.endsWith(".ts")) sources.set(name, await Deno.readTextFile(new URL(name, assembly)));
  }
  if (dispatch !== undefined) await emit(`${folder}kernel_names.ts`, namesModule(sources.get(dispatch)!));
  for (const { name, options } of builds) {
    await emit(`${folder}${name}_bytes.ts`, bytesModule(await compile(sources, options)));
  }
}
Deno.exit(stale ? 1 : 0);
