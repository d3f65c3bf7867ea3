/** Everything that must hold of the sources: format, lint, types, documentation, and compiled kernels. */

const config =
  (await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-config", "tools/config.ts"] }).output()).stdout;
const path = new TextDecoder().decode(config).trim();
const LAYERS = ["core", "kernels", "ops", "blocks", "models", "data", "weights", "inference", "train"];
const OUTER = ["files", "disk", "images", "onnx", "plots"];
const PUBLIC = ["mod.ts", ...[...LAYERS, ...OUTER].map((layer) => `${layer}/mod.ts`), "cli/main.ts"];
const FOLDERS = [...LAYERS, ...OUTER, "cli", "tests", "bench", "examples", "tools"];

const STEPS: readonly (readonly string[])[] = [
  ["check", "--node-modules-dir=none", "--config", path, "mod.ts", ...FOLDERS.map((folder) => `${folder}/**/*.ts`)],
  // By its import map: it takes no configuration. Quiet about packages, whose types it does not need.
  ["doc", "--lint", "--quiet", "--node-modules-dir=none", "--import-map", path, ...PUBLIC],
  ["fmt", "--check", "--config", path],
  ["lint", "--config", path],
  ["run", "-A", "--no-config", "--lock", "tools/types.lock", "--frozen", "tools/types.ts"],
  ["run", "-A", "--no-config", "--lock", "tools/build_wasm.lock", "--frozen", "tools/build_wasm.ts", "--check"],
];

/** Runs a step, and says what it said where it failed. */
async function run(args: readonly string[]): Promise<boolean> {
  const started = performance.now(),
    { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
    }).output();
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`deno ${args.slice(0, 3).join(" ")} … ${success ? "ok" : "FAILED"} (${seconds} s)`);
  if (!success) { for (const text of [stdout, stderr]) console.error(new TextDecoder().decode(text).trimEnd()); }
  return success;
}

// Two at a time, the longest first: each takes one core.
const left = [...STEPS], results: boolean[] = [];
const lane = async () => {
  for (let step = left.shift(); step !== undefined; step = left.shift()) results.push(await run(step));
};
await Promise.all([lane(), lane()]);
if (results.includes(false)) Deno.exit(1);
