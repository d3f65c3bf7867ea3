/** Holds explanations to PyTorch's of the same weights and images (`tools/golden_explain.py`). */

import { assert, assertEquals } from "@std/assert";
import { type Backend, f32, Graph } from "../core/mod.ts";
import { type ClassMap, explainByOcclusion, GradCam, loadModel } from "../inference/mod.ts";
import { modelByName, type SequentialModel } from "../models/mod.ts";
import type { NamedTensor } from "../weights/mod.ts";
import { fill, imagesOf } from "./_models_golden.ts";
import golden from "./golden/explain.json" with { type: "json" };

/** One network. */
export interface GoldenExplanation {
  readonly name: string;
  readonly classes: number;
  readonly size: number;
  readonly patch: number;
  readonly stride: number;
  readonly maps: readonly {
    readonly given: boolean;
    readonly index: number;
    readonly height: number;
    readonly width: number;
    readonly values: readonly number[];
  }[];
  readonly occlusion?: { readonly index: number; readonly step: number; readonly values: readonly number[] };
}

/** All networks. */
export const GOLDEN_EXPLANATIONS = golden as unknown as readonly GoldenExplanation[];

const TOLERANCE = 1e-4;

function modelOf({ name, classes, size }: GoldenExplanation): SequentialModel {
  return modelByName(name, { classes, inputShape: [3, size, size], dropout: 0 });
}

function tensorsOf(model: SequentialModel): Map<string, NamedTensor> {
  const graph = new Graph();
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  const variables = graph.values.filter(({ kind }) => kind === "parameter" || kind === "state");
  return new Map(variables.map(({ name, spec: { shape } }) => [name, { shape, data: fill(name, shape) }]));
}

function expectMap(actual: readonly number[], expected: readonly number[], what: string): void {
  assertEquals(actual.length, expected.length, what);
  const largest = Math.max(...expected.map(Math.abs));
  actual.forEach((value, k) =>
    assert(Math.abs(value - expected[k]) <= TOLERANCE * largest, `${what}, ${k}: ${value}, PyTorch ${expected[k]}`)
  );
}

/** The correlation of two maps. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  const product = (p: readonly number[], q: readonly number[]) => p.reduce((sum, value, k) => sum + value * q[k], 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

/** Compares the maps of Grad-CAM, of the most probable class and of another. */
export async function checkGradCam(backend: Backend, golden: GoldenExplanation): Promise<void> {
  const model = modelOf(golden), image = imagesOf({ name: "explained", images: 1, size: golden.size });
  using explainer = await GradCam.create({ model, backend, tensors: tensorsOf(model) });
  // At once: each waits for its turn.
  const maps: ClassMap[] = await Promise.all(
    golden.maps.map(({ given, index }) => explainer.explain(image, given ? index : undefined)),
  );
  for (const [k, expected] of golden.maps.entries()) {
    const { values, height, width, index } = maps[k], what = `${golden.name}, class ${expected.index}`;
    assertEquals([index, height, width], [expected.index, expected.height, expected.width], what);
    expectMap([...values], expected.values, what);
    assert(correlation([...values], expected.values) > 0.999999, what);
  }
}

/** Compares the map of occlusion. */
export async function checkOcclusion(backend: Backend, golden: GoldenExplanation): Promise<void> {
  const model = modelOf(golden), image = imagesOf({ name: "explained", images: 1, size: golden.size });
  const { index, step, values } = golden.occlusion!, { patch, stride } = golden;
  using loaded = await loadModel({ tensors: tensorsOf(model) }, { model, backend, batch: 5 });
  const map = await explainByOcclusion(loaded, image, { index, patch, stride });
  assertEquals([map.height, map.width, map.index], [golden.size, golden.size, index]);
  const seen = [...map.values].filter((_, i) => Math.floor(i / map.width) % step === 0 && i % map.width % step === 0);
  expectMap(seen, values, golden.name);
}
