/** Everything that must hold of the sources: format, lint, types, documentation, and compiled kernels. */

const config =
  (await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-config", "tools/config.ts"] }).output()).stdout;
const path = new TextDecoder().decode(config).trim();
const LAYERS = ["core", "kernels", "ops", "blocks", "models", "data", "weights", "inference", "train"];
const OUTER = ["files", "disk", "images", "onnx", "plots"];
const PUBLIC = ["mod.ts", ...[...LAYERS, ...OUTER].map((layer) => `${layer}/mod.ts`), "cli/main.ts"];
const FOLDERS = [...LAYERS, ...OUTER, "cli", "tests", "bench", "examples", "tools"];

const STEPS: readonly (readonly string[])[] = [
  ["fmt", "--check", "--config", path],
  ["lint", "--config", path],
  ["check", "--node-modules-dir=none", "--config", path, "mod.ts", ...FOLDERS.map((folder) => `${folder}/**/*.ts`)],
  // By its import map: it takes no configuration. Quiet about packages, whose types it does not need.
  ["doc", "--lint", "--quiet", "--node-modules-dir=none", "--import-map", path, ...PUBLIC],
  ["run", "-A", "--no-config", "--lock", "tools/types.lock", "--frozen", "tools/types.ts"],
  ["run", "-A", "--no-config", "--lock", "tools/build_wasm.lock", "--frozen", "tools/build_wasm.ts", "--check"],
];

for (const args of STEPS) {
  console.log(`deno ${args.slice(0, 3).join(" ")} …`);
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args], stdout: "inherit", stderr: "inherit" })
    .spawn().status;
  if (code !== 0) Deno.exit(code);
}
