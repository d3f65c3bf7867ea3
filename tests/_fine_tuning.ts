/** Holds a backend to PyTorch's frozen batch norms, and head that is trained first (`tools/golden_fine_tuning.py`). */

import { assert, assertEquals } from "@std/assert";
import { classifierHead, convNorm, residualBlock } from "../blocks/mod.ts";
import type { Backend } from "../core/mod.ts";
import { sequential, type SequentialModel } from "../models/mod.ts";
import { headStep, Trainer } from "../train/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";
import golden from "./golden/fine_tuning.json" with { type: "json" };

const [channels, height, width] = golden.shape;

/** The network of the golden values. */
const MODEL: SequentialModel = sequential({
  name: "small",
  classes: golden.classes,
  inputShape: [channels, height, width],
  layers: [
    { name: "conv1", block: convNorm({ conv: "conv1", norm: "bn1", channels: 4 }) },
    { name: "layer1", block: residualBlock({ name: "layer1.0", channels: 6, stride: 2 }) },
    { name: "fc", block: classifierHead("fc", golden.classes) },
  ],
});

type State = Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>;

function tensorsOf(state: State): Map<string, NamedTensor> {
  return new Map(
    Object.entries(state).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
}

/** The titles of the cases. */
export const CASES: readonly string[] = golden.cases.map(({ freeze, headSteps }) =>
  headSteps === undefined ? `${freeze.join(", ")} frozen with their statistics` : "the head alone first, then all"
);

/** Trains as PyTorch did, and compares losses, weights and running statistics. */
export async function checkFineTuning(backend: Backend, index: number): Promise<void> {
  const { freeze, headSteps = 0, losses, after } = golden.cases[index];
  const options = { model: MODEL, backend, batch: golden.labels.length };
  const trainer = await Trainer.create({ ...options, freeze, freezeStatistics: true, weightDecay: 1e-4 });
  const head = await Trainer.create({
    ...options,
    ...headStep(MODEL, freeze.filter((pattern) => pattern.startsWith("fc"))),
    weightDecay: 1e-4,
    variables: trainer.variables,
  });
  const batch = { images: Float32Array.from(golden.images), labels: Uint32Array.from(golden.labels) };
  trainer.variables.write(tensorsOf(golden.start), "start");
  const seen: number[] = [];
  for (let step = 0; step < losses.length; step++) {
    const stepped = step < headSteps ? head : trainer;
    stepped.step(batch, golden.rate);
    seen.push(...(await stepped.results()).map(({ loss }) => loss));
  }
  head.destroy();
  const tensors = await trainer.variables.read(false);
  trainer.destroy();
  assertEquals([...tensors.keys()].sort(), Object.keys(after).sort());
  losses.forEach((loss, step) => expectNear(`loss ${step}`, seen[step], loss));
  for (const [name, { data }] of tensorsOf(after)) {
    data.forEach((value, k) => expectNear(`${name}[${k}]`, tensors.get(name)!.data[k], value));
  }
}

/** Sums of a few hundred float32 products, three steps long. */
function expectNear(what: string, actual: number, expected: number): void {
  assert(Math.abs(actual - expected) <= 2e-6 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, not ${expected}`);
}
