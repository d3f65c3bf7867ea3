/**
 * Holds whole networks against PyTorch's and torchvision's on random weights, through files in both directions:
 * `deno run -A --config deno.offline.json tools/parity.ts [NAME…]`. Needs a Python with both; see parity.py.
 */

import { type Backend, openBackend } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { decodeCheckpoint, encodeSafetensors, Variables } from "../weights/mod.ts";
import { floats, python } from "./_parity.ts";

const NETWORKS = [
  ...[18, 34, 50, 101, 152, 20, 110].map((depth) => `resnet${depth}`),
  ...["0.5", "1.0", "1.4"].map((width) => `mobilenet_v2_${width}`),
];
const IMAGES = 2, CLASSES = 1000;

/** The largest difference, relative to the largest expected value. */
function distance(actual: Float32Array, expected: Float32Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) / largest;
}

/** Our logits from a weight file; `copy` receives the weights as we write them. */
async function logitsFrom(file: string, name: string, backend: Backend, folder: string, copy?: string) {
  const model = modelByName(name, { classes: CLASSES }), variables = new Variables();
  const program = await compileInference(model, backend, IMAGES, variables);
  try {
    variables.write(decodeCheckpoint(await Deno.readFile(file), file).tensors, file);
    program.write("image", await floats(`${folder}/images.f32`));
    program.run();
    if (copy !== undefined) await Deno.writeFile(copy, encodeSafetensors(await variables.read(false)));
    return await program.read("logits") as Float32Array;
  } finally {
    program.destroy();
    variables.destroy();
  }
}

const backends = [await openBackend("cpu"), await openBackend("webgpu")];
console.log(
  `network            ${backends.map(({ description }) => description).join(" | ")} | .pth | ours in PyTorch`,
);
let failed = false;
for (const name of Deno.args.length > 0 ? Deno.args : NETWORKS) {
  const folder = await Deno.makeTempDir({ prefix: "residua-parity-" });
  try {
    await python("make", name, folder);
    const expected = await floats(`${folder}/logits.f32`), errors: number[] = [];
    let first: Float32Array | undefined;
    for (const backend of backends) {
      const logits = await logitsFrom(
        `${folder}/weights.safetensors`,
        name,
        backend,
        folder,
        `${folder}/ours.safetensors`,
      );
      first ??= logits;
      errors.push(distance(logits, expected));
    }
    errors.push(distance(await logitsFrom(`${folder}/weights.pth`, name, backends[0], folder), first!));
    await python("load", name, folder);
    errors.push(distance(await floats(`${folder}/loaded.f32`), expected));
    console.log(name.padEnd(18), errors.map((error) => error.toExponential(1)).join(" | "));
    failed ||= errors[0] > 1e-3 || errors[1] > 1e-3 || errors[2] !== 0 || errors[3] !== 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
for (const backend of backends) backend.destroy();
Deno.exit(failed ? 1 : 0);
