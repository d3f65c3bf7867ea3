/**
 * Compiles the WebAssembly kernels, a plain SIMD and a relaxed SIMD build, into TypeScript modules, so that they load from
 * a registry and from a bundle as well as from disk. With `--check` it fails if the committed modules are not what the
 * sources give.
 */

import asc from "npm:assemblyscript@0.28.9/asc";

const folder = new URL("../core/cpu/wasm/", import.meta.url);
const BUILDS = [{ name: "simd", features: [] }, { name: "relaxed_simd", features: ["relaxed-simd"] }];

async function build(name: string, extraFeatures: readonly string[]): Promise<Uint8Array> {
  const sources = new Map([
    ["gemm.ts", await Deno.readTextFile(new URL("assembly/gemm.ts", folder))],
    ["multiply_add.ts", await Deno.readTextFile(new URL(`assembly/multiply_add_${name}.ts`, folder))],
  ]);
  let binary: Uint8Array | undefined;
  const features = ["simd", "threads", "bulk-memory", ...extraFeatures];
  const { error, stderr } = await asc.main([
    "gemm.ts",
    "--outFile",
    "gemm.wasm",
    "-O3",
    "--noAssert",
    "--runtime",
    "stub",
    "--importMemory",
    "--sharedMemory",
    "--initialMemory",
    "1",
    "--maximumMemory",
    "65536",
    ...features.flatMap((feature) => ["--enable", feature]),
  ], {
    readFile: (file: string) => sources.get(file) ?? null,
    writeFile: (_file: string, content: string | Uint8Array) => {
      if (content instanceof Uint8Array) binary = content;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw new Error(`${error?.message}\n${stderr}`);
  return binary;
}

let stale = false;
for (const { name, features } of BUILDS) {
  const file = new URL(`${name}_bytes.ts`, folder);
  const lines = (await build(name, features)).toBase64().match(/.{1,110}/g)!.map((line) => `  "${line}",`);
  const text = `/** Compiled from assembly/gemm.ts by \`deno task build:wasm\`; do not edit. */\n\n` +
    `/** The WebAssembly module, in base64. */\nexport const BYTES: string = [\n${lines.join("\n")}\n].join("");\n`;
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(file, text);
  else if (await Deno.readTextFile(file) !== text) {
    stale = true;
    console.error(`${file.pathname} is not what its source gives: run deno task build:wasm`);
  }
}
Deno.exit(stale ? 1 : 0);
