/**
 * Convolutions of random shapes, and their gradients, held against float64. The seed is that of the day, so that every day tries
 * others; `RESIDUA_SEED` repeats a day's.
 */

import {
  type Backend,
  compareArrays,
  compile,
  elementCount,
  f32,
  formatSpec,
  Graph,
  interpret,
  type NumericArray,
  Random,
  type Value,
  type VariantChooser,
} from "../core/mod.ts";
import { conv2d, conv2dInputGradient, conv2dWeightGradient } from "../ops/mod.ts";
import type { ConvolutionAttributes } from "../ops/conv2d/problem.ts";

/** The seed of the day, as in 20261126, or what `RESIDUA_SEED` says. */
export function seedOfDay(): number {
  return Number(Deno.env.get("RESIDUA_SEED") ?? new Date().toISOString().slice(0, 10).replaceAll("-", ""));
}

/** A convolution, as the drawing of each pair's numbers needs. */
export interface DrawnConvolution {
  readonly input: number[];
  readonly weight: number[];
  readonly attributes: ConvolutionAttributes;
}

/** Draws a convolution whose output has at least one element. Half have the kernels and channels that networks have. */
function drawConvolution(random: Random): DrawnConvolution {
  const pick = <T>(...choices: readonly T[]) => choices[random.integer(choices.length)];
  const pair = (most: number, least = 0) => [0, 1].map(() => least + random.integer(most - least + 1));
  const isUsual = random.integer(2) === 0, size = pick(1, 3);
  const kernel = isUsual ? [size, size] : pair(5, 1);
  const stride = isUsual ? pick([1, 1], [1, 1], [2, 2]) : pair(3, 1), dilation = isUsual ? [1, 1] : pair(3, 1);
  const before = isUsual ? [size >> 1, size >> 1] : pair(4), after = random.integer(3) === 0 ? pair(4) : before;
  const isDepthwise = random.integer(4) === 0, groups = isDepthwise ? 2 + random.integer(9) : pick(1, 1, 2, 3);
  const channels = () => isUsual ? pick(4, 8, 16, 20, 32) : 1 + random.integer(9);
  const inputs = isDepthwise ? 1 : Math.ceil(channels() / groups);
  const outputs = isDepthwise ? pick(1, 1, 2) : Math.ceil(channels() / groups);
  const extents = kernel.map((taps, axis) =>
    Math.max(1, dilation[axis] * (taps - 1) + 1 - before[axis] - after[axis]) + random.integer(12)
  );
  return {
    input: [1 + random.integer(3), groups * inputs, ...extents],
    weight: [groups * outputs, inputs, ...kernel],
    attributes: { stride, padding: after === before ? before : [...before, ...after], dilation, groups },
  };
}

/** How random convolutions are checked. */
export interface RandomCheck {
  /** The convolutions. */
  readonly count: number;
  /** The seconds after which no other is begun. */
  readonly seconds: number;
  /** The choosers of the kernels that each is run with; nothing for the backend's own. */
  choosers(random: Random): readonly (VariantChooser | undefined)[];
}

/** Holds random convolutions and both gradients against float64, on poisoned memory, and says how many there were. */
export async function checkRandomConvolutions(
  backends: readonly Backend[],
  { count, seconds, choosers }: RandomCheck,
): Promise<number> {
  const seed = seedOfDay(), began = performance.now();
  for (let index = 0; index < count; index++) {
    if (performance.now() - began > 1000 * seconds) return index;
    const random = new Random(seed, `convolution ${index}`), drawn = drawConvolution(random);
    await checkConvolution(backends, drawn, random, `number ${index} of RESIDUA_SEED=${seed}`, choosers(random));
  }
  return count;
}

/** Holds a convolution and both gradients against float64, on poisoned memory. `number` says in a failure which it was. */
export async function checkConvolution(
  backends: readonly Backend[],
  drawn: DrawnConvolution,
  random: Random,
  number: string,
  choosers: readonly (VariantChooser | undefined)[] = [undefined],
): Promise<void> {
  const { graph, outputs, given, label } = traceConvolution(drawn, random);
  const expected = interpret(graph, new Map([...given].map(([value, data]) => [value, Float64Array.from(data)])));
  for (const backend of backends) {
    for (const chooseVariant of choosers) {
      const chosen: string[] = [];
      const noted: VariantChooser | undefined = chooseVariant && ((node, variants) => {
        const variant = chooseVariant(node, variants);
        if (variant !== undefined) chosen.push(variants[variant].name);
        return variant;
      });
      try {
        await runConvolution(graph, backend, outputs, given, expected, noted);
      } catch (error) {
        const where = [`${label} on ${backend.description}`, ...new Set(chosen)].join(", ");
        throw new Error(`${where}, ${number}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
}

/** The three ops of a convolution in one graph, with random numbers for their inputs. */
function traceConvolution({ input, weight, attributes }: DrawnConvolution, random: Random) {
  const graph = new Graph(), x = graph.input("x", f32(input)), w = graph.input("w", f32(weight));
  const [y] = graph.apply(conv2d, [x, w], attributes), dy = graph.input("dy", y.spec);
  const [dx] = graph.apply(conv2dInputGradient, [dy, w], { ...attributes, inputSize: input.slice(2) });
  const [dw] = graph.apply(conv2dWeightGradient, [x, dy], { ...attributes, kernelSize: weight.slice(2) });
  const given = new Map([x, w, dy].map((value) => {
    const data = new Float32Array(elementCount(value.spec.shape));
    for (let k = 0; k < data.length; k++) data[k] = random.normal();
    return [value, data];
  }));
  return {
    graph,
    outputs: { y, dx, dw },
    given,
    label: `${formatSpec(x.spec)} by ${formatSpec(w.spec)}, ${JSON.stringify(attributes)}`,
  };
}

async function runConvolution(
  graph: Graph,
  backend: Backend,
  outputs: Readonly<Record<string, Value>>,
  given: ReadonlyMap<Value, Float32Array>,
  expected: ReadonlyMap<Value, NumericArray>,
  chooseVariant: VariantChooser | undefined,
): Promise<void> {
  const program = await compile(graph, backend, { outputs, poison: true, chooseVariant });
  try {
    for (const [{ name }, data] of given) program.write(name, data);
    program.run();
    for (const [name, value] of Object.entries(outputs)) {
      compareArrays(name, value.spec, await program.read(name), expected.get(value)!);
    }
  } finally {
    program.destroy();
  }
}
