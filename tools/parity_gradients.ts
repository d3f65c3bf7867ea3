/**
 * Holds the gradients of a training step against PyTorch's: `deno run -A --config deno.offline.json
 * tools/parity_gradients.ts [NAME…]`. PyTorch's float64 is the judge, since one ReLU whose input rounds to the other side of
 * its kink changes all gradients before it. Needs a Python with torchvision; see parity.py.
 */

import { type Backend, compile, differentiate, f32, Graph, openBackend, u32 } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { softmaxCrossEntropy } from "../ops/mod.ts";
import { decodeSafetensors, Variables } from "../weights/mod.ts";
import { floats, python } from "./_parity.ts";

const NETWORKS = ["resnet18", "resnet50", "mobilenet_v2_1.0"];
const IMAGES = 4, LABELS = Uint32Array.of(3, 500, 999, 0);

type Gradients = ReadonlyMap<string, Float32Array>;

async function readTensors(path: string): Promise<Gradients> {
  const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
  return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}

async function ownGradients(name: string, folder: string, backend: Backend): Promise<Gradients> {
  const model = modelByName(name, { classes: 1000, inputShape: [3, 64, 64], dropout: 0 });
  const graph = new Graph({ training: true }), variables = new Variables(), path = `${folder}/weights.safetensors`;
  const image = graph.input("image", f32([IMAGES, 3, 64, 64])), label = graph.input("label", u32([IMAGES]));
  const [loss] = softmaxCrossEntropy.apply(graph, [model.forward(graph, image), label]);
  const gradients = differentiate(graph, loss, graph.parameters);
  const outputs = Object.fromEntries(graph.parameters.map(({ name }, index) => [name, gradients[index]!]));
  variables.add(graph, backend, 0);
  variables.write(decodeSafetensors(await Deno.readFile(path), path).tensors, path);
  const program = await compile(graph, backend, { outputs, variables: variables.storages });
  program.write("image", await floats(`${folder}/images.f32`));
  program.write("label", LABELS);
  program.run();
  const results = new Map<string, Float32Array>();
  for (const name of Object.keys(outputs)) results.set(name, await program.read(name) as Float32Array);
  program.destroy();
  variables.destroy();
  return results;
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** Gradients below this share of the largest one are rounding errors of 0, as of a bias before batch norm. */
const NEGLIGIBLE = 1e-6;

/** The distances of all parameters' gradients, each relative to its norm: the median and the largest. */
function distances(actual: Gradients, expected: Gradients): string {
  const floor = NEGLIGIBLE * Math.max(...[...expected.values()].map(norm));
  const all = [...expected].filter(([, wanted]) => norm(wanted) > floor).map(([name, wanted]) =>
    norm(actual.get(name)!.map((value, i) => value - wanted[i])) / norm(wanted)
  ).sort((a, b) => a - b);
  return `${all[all.length >> 1].toExponential(1)} ${all.at(-1)!.toExponential(1)}`;
}

const backends = [await openBackend("cpu"), await openBackend("webgpu")];
console.log(`network            PyTorch float32 | ${backends.map(({ description }) => description).join(" | ")}`);
for (const name of Deno.args.length > 0 ? Deno.args : NETWORKS) {
  const folder = await Deno.makeTempDir({ prefix: "residua-parity-" });
  try {
    await python("step", name, folder);
    const judge = await readTensors(`${folder}/gradients64.safetensors`);
    const cells = [distances(await readTensors(`${folder}/gradients32.safetensors`), judge)];
    for (const backend of backends) cells.push(distances(await ownGradients(name, folder, backend), judge));
    console.log(name.padEnd(18), cells.join(" | "));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
for (const backend of backends) backend.destroy();
