/** Holds a whole network against torchvision's, from weights and images that both sides compute by one formula. */

import { assert, assertEquals } from "@std/assert";
import {
  type Backend,
  compile,
  differentiate,
  elementCount,
  f32,
  Graph,
  type Shape,
  type Storage,
  u32,
} from "../core/mod.ts";
import { modelByName, type SequentialModel } from "../models/mod.ts";
import { softmaxCrossEntropy } from "../ops/mod.ts";
import golden from "./golden/models.json" with { type: "json" };

/** One network of `tools/golden_models.py`. */
export interface GoldenModel {
  readonly name: string;
  readonly classes: number;
  readonly evaluated: GoldenImages;
  readonly trained: GoldenImages;
  /** The shapes of torchvision's `state_dict`. */
  readonly tensors: Readonly<Record<string, Shape>>;
  readonly logits: readonly number[];
  readonly loss: number;
  /** Of each parameter's gradient: the norm, and the first, middle and last element. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface GoldenImages {
  readonly name: string;
  readonly images: number;
  readonly size: number;
}

/** All networks. */
export const GOLDEN_MODELS = golden as unknown as readonly GoldenModel[];

/** The relative tolerance of logits, losses and gradients; an element's is of its tensor's norm. */
const TOLERANCE = 1e-3;
/** Gradients below this share of the largest one are rounding errors of a gradient of 0, as of a bias before batch norm. */
const NEGLIGIBLE = 1e-6;

/** Multiples of 2^-23 in [-1, 1): FNV-1a of the name, and an integer hash (murmur3's finaliser) of each index; then `map`. */
function formula(name: string, count: number, map: (u: number) => number): Float32Array {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let x = Math.imul(i, 0x9e3779b9) ^ hash;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    values[i] = map(((x ^ (x >>> 16)) >>> 8) / 2 ** 23 - 1);
  }
  return values;
}

/** The elements of a variable: see `fill` in `tools/_golden_formula.py`. */
export function fill(name: string, shape: Shape): Float32Array {
  const count = elementCount(shape), root = Math.sqrt(shape[1]), bound = Math.sqrt(6 / elementCount(shape.slice(1)));
  if (shape.length === 4) return formula(name, count, (u) => u * bound);
  if (shape.length === 2) return formula(name, count, (u) => u / root);
  if (!/(weight|running_var)$/.test(name)) return formula(name, count, (u) => 0.2 * u);
  const scale = /bn3\.weight$/.test(name) ? 0.2 : 1;
  return formula(name, count, (u) => (1 + 0.5 * u) * scale);
}

/** The images of a network. */
export function imagesOf({ name, images, size }: GoldenImages): Float32Array {
  return formula(name, images * 3 * size * size, (u) => 1.7 * u);
}

function modelOf({ name, classes }: GoldenModel, size: number): SequentialModel {
  return modelByName(name, { classes, inputShape: [3, size, size], dropout: 0 });
}

/** The graph's variables, whose names and shapes must be torchvision's. */
function variablesOf(golden: GoldenModel, graph: Graph, backend: Backend): Map<string, Storage> {
  const variables = graph.values.filter(({ kind }) => kind === "parameter" || kind === "state");
  assertEquals(Object.fromEntries(variables.map(({ name, spec }) => [name, spec.shape])), golden.tensors);
  return new Map(variables.map(({ name, spec }) => {
    const storage = backend.allocate(spec);
    storage.write(fill(name, spec.shape));
    return [name, storage];
  }));
}

/** Computes logits with running statistics and compares them. */
export async function checkLogits(backend: Backend, golden: GoldenModel): Promise<void> {
  const { images, size } = golden.evaluated, graph = new Graph();
  const logits = modelOf(golden, size).forward(graph, graph.input("image", f32([images, 3, size, size])));
  const variables = variablesOf(golden, graph, backend);
  const program = await compile(graph, backend, { outputs: { logits }, variables });
  program.write("image", imagesOf(golden.evaluated));
  program.run();
  const actual = await program.read("logits"), largest = Math.max(...golden.logits.map(Math.abs));
  golden.logits.forEach((expected, index) => {
    const what = `${golden.name}, logit ${index}: ${actual[index]}, torchvision ${expected}`;
    assert(Math.abs(actual[index] - expected) <= TOLERANCE * largest, what);
  });
  program.destroy();
  for (const storage of variables.values()) storage.destroy();
}

/**
 * Computes the loss and all gradients with batch statistics and compares them.
 *
 * @param relative The relative tolerance of gradients. One ReLU whose input rounds to the other side of its kink changes all
 * gradients before it by up to a hundredth. The images keep away from kinks, as far as the CPU's two builds round.
 */
export async function checkGradients(backend: Backend, golden: GoldenModel, relative = TOLERANCE): Promise<void> {
  const { images, size } = golden.trained, graph = new Graph({ training: true });
  const image = graph.input("image", f32([images, 3, size, size])), label = graph.input("label", u32([images]));
  const [loss] = softmaxCrossEntropy.apply(graph, [modelOf(golden, size).forward(graph, image), label]);
  const variables = variablesOf(golden, graph, backend), { parameters } = graph;
  assertEquals(parameters.map(({ name }) => name).sort(), Object.keys(golden.gradients).sort());
  const gradients = differentiate(graph, loss, parameters);
  const outputs = Object.fromEntries(parameters.map(({ name }, index) => [name, gradients[index]!]));
  const program = await compile(graph, backend, { outputs, scalars: { loss }, variables });
  program.write("image", imagesOf(golden.trained));
  program.write("label", Uint32Array.from({ length: images }, (_, index) => index * 3 % golden.classes));
  program.run(true);
  const [[actualLoss]] = await program.readScalars();
  const lossMessage = `${golden.name}: the loss is ${actualLoss}, torchvision's ${golden.loss}`;
  assert(Math.abs(actualLoss - golden.loss) <= TOLERANCE * golden.loss, lossMessage);
  const largest = Math.max(...Object.values(golden.gradients).map(([norm]) => norm));
  for (const [name, [norm, ...elements]] of Object.entries(golden.gradients)) {
    const gradient = await program.read(name) as Float32Array;
    const tolerance = Math.max(relative * norm, NEGLIGIBLE * largest);
    const places = [0, gradient.length >> 1, gradient.length - 1];
    const actual = [
      Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0)),
      ...places.map((i) => gradient[i]),
    ];
    [norm, ...elements].forEach((expected, index) => {
      const what = index === 0 ? "norm" : `element ${places[index - 1]}`;
      const message = `${golden.name}, ${what} of the gradient of ${name}: ${actual[index]}, torchvision ${expected}`;
      assert(Math.abs(actual[index] - expected) <= tolerance, message);
    });
  }
  program.destroy();
  for (const storage of variables.values()) storage.destroy();
}
