/**
 * The tuner: times the variants of each op of a program on this adapter, and remembers the fastest. A variant may win only
 * if it computes what the first one does.
 */

import { compareArrays } from "../check_op.ts";
import { compile, type Program } from "../compile.ts";
import { Graph, type Node, type Value } from "../graph.ts";
import type { NumericArray, WebGpuVariant } from "../op.ts";
import { plan } from "../plan.ts";
import { Random } from "../random.ts";
import { elementCount, formatSpec } from "../shape.ts";
import type { WebGpuBackend } from "./backend.ts";
import { preferredVariant } from "./executable.ts";

/** Where choices are kept: variants' names by key. A `Map` is one. */
export interface TunerStore {
  /** The choice for a key, if there is one. */
  get(key: string): string | undefined;
  /** Keeps a choice. */
  set(key: string, variant: string): unknown;
}

/** The options of {@link tuneVariants}. */
export interface TuneOptions {
  /** Where choices are looked up and kept; keys name the adapter. */
  readonly store: TunerStore;
  /** Whether shapes that the store does not know are timed; true unless given. */
  readonly measure?: boolean;
  /** Is told before each op that is timed: how many are done, of how many, and which is next. */
  readonly progress?: (done: number, total: number, what: string) => void;
}

/** Picks the number of a variant for a node, as the option of `compile`. */
export type VariantChooser = (node: Node, variants: readonly WebGpuVariant[]) => number;

/** Steps of which the fastest counts. */
const STEPS = 3;

/**
 * Finds the fastest variant of every op of a graph that has several and reads float32 tensors alone.
 *
 * @param graph The traced graph.
 * @param outputs The values that will be compiled for, by name: both decide what is fused.
 * @returns What `compile` takes as `chooseVariant`. Ops that were not tuned get the variant that is expected to be fastest.
 *
 * @example
 * ```ts ignore
 * const chooseVariant = await tuneVariants(graph, { y }, backend, { store: new Map() });
 * const program = await compile(graph, backend, { outputs: { y }, chooseVariant });
 * ```
 */
export async function tuneVariants(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  backend: WebGpuBackend,
  { store, measure = true, progress }: TuneOptions,
): Promise<VariantChooser> {
  const key = (node: Node) => `${backend.description}: ${describe(node)}`;
  const unknown = new Map<string, Node>();
  for (const node of plan(graph, new Map(Object.entries(outputs))).nodes) {
    const variants = node.op.webgpu(node, backend.limits);
    if (isTunable(node, variants) && indexOf(store.get(key(node)), variants) < 0) unknown.set(key(node), node);
  }
  if (measure) {
    let done = 0;
    for (const [name, node] of unknown) {
      progress?.(done++, unknown.size, describe(node));
      store.set(name, await fastestVariant(node, backend));
    }
  }
  return (node, variants) => {
    const index = isTunable(node, variants) ? indexOf(store.get(key(node)), variants) : -1;
    return index >= 0 ? index : preferredVariant(variants);
  };
}

function indexOf(name: string | undefined, variants: readonly WebGpuVariant[]): number {
  return name === undefined ? -1 : variants.findIndex((variant) => variant.name === name);
}

function isTunable({ op, inputs }: Node, variants: readonly WebGpuVariant[]): boolean {
  return variants.length > 1 && !op.updates?.length && inputs.every(({ dtype }) => dtype === "f32");
}

function describe({ op, inputs, attributes }: Node): string {
  return `${op.name}(${inputs.map(formatSpec).join(", ")}) ${JSON.stringify(attributes)}`;
}

/** The name of the variant that is fastest among those that agree with the first. */
async function fastestVariant(node: Node, backend: WebGpuBackend): Promise<string> {
  const variants = node.op.webgpu(node, backend.limits);
  let best = variants[0].name, least = Infinity;
  let expected: NumericArray[] | undefined;
  for (const [index, { name }] of variants.entries()) {
    const { results, seconds } = await runVariant(node, backend, index);
    expected ??= results;
    if (!agrees(node, results, expected) || seconds >= least) continue;
    best = name;
    least = seconds;
  }
  return best;
}

function agrees(node: Node, results: readonly NumericArray[], expected: readonly NumericArray[]): boolean {
  try {
    results.forEach((result, k) => compareArrays(node.op.name, node.outputs[k], result, expected[k]));
    return true;
  } catch {
    return false;
  }
}

/** Runs one variant on random numbers. Its memory is poisoned, so that what it leaves out is seen. */
async function runVariant(
  { op, inputs, attributes }: Node,
  backend: WebGpuBackend,
  index: number,
): Promise<{ results: NumericArray[]; seconds: number }> {
  const graph = new Graph(), random = new Random(0, "tune");
  const values = inputs.map((spec, k) => graph.input(`${k}`, spec));
  const results = op.apply(graph, values, attributes);
  const outputs = Object.fromEntries(results.map((value, k) => [`${k}`, value]));
  const program = await compile(graph, backend, { outputs, fuse: false, poison: true, chooseVariant: () => index });
  try {
    inputs.forEach(({ shape }, k) =>
      program.write(`${k}`, Float32Array.from({ length: elementCount(shape) }, () => random.uniform(-1, 1)))
    );
    program.run();
    const read: NumericArray[] = [];
    for (const k of results.keys()) read.push(await program.read(`${k}`));
    let seconds = Infinity;
    for (let step = 0; step < STEPS; step++) seconds = Math.min(seconds, await secondsOf(program, backend));
    return { results: read, seconds };
  } finally {
    program.destroy();
  }
}

async function secondsOf(program: Program, backend: WebGpuBackend): Promise<number> {
  if (backend.device.features.has("timestamp-query")) {
    return (await program.profile!()).reduce((sum, { seconds }) => sum + seconds, 0);
  }
  const started = performance.now();
  program.run();
  await backend.finish();
  return (performance.now() - started) / 1000;
}
