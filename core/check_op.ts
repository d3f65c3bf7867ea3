/**
 * The conformance checks that every op passes by being registered, a user's own included: refusals, each backend against
 * float64 and against the other, every kernel variant, and the gradient rule against central differences.
 */

import type { Backend, Storage } from "./backend.ts";
import { compile } from "./compile.ts";
import { CpuBackend } from "./cpu/backend.ts";
import { ResiduaError, ShapeError } from "./util/errors.ts";
import { Graph, type Value } from "./graph/graph.ts";
import { LEAST_NORMAL_FLOAT16, roundToFloat16 } from "./util/float16.ts";
import { float64Array, interpret } from "./graph/interpret.ts";
import type { Attributes, NumericArray, Op, Sample } from "./op.ts";
import { Random } from "./util/random.ts";
import { elementCount, f16, formatSpec, isFloat, isFloat16, type TensorSpec } from "./graph/shape.ts";

/** How an op is checked. */
export interface CheckOptions {
  /** The backends that are held against float64; a CPU backend alone unless given. */
  readonly backends?: readonly Backend[];
  /** The seed of the random inputs. */
  readonly seed?: number;
}

/** What was checked. */
export interface CheckReport {
  /** The op's name. */
  readonly op: string;
  /** Arguments refused as they should be. */
  readonly refusals: number;
  /** Comparisons of a tensor with its float64 value, on any backend and in any variant. */
  readonly comparisons: number;
  /** Elements of gradients held against central differences; 0 where the op has no gradient rule. */
  readonly derivatives: number;
}

/** The relative tolerance of every comparison with float64. */
const RELATIVE_TOLERANCE = 1e-4;
/** Half the distance of neighbouring f16 numbers, relative to them: their significands have 11 bits, and stores round to the nearest. */
const FLOAT16_ROUNDING = 2 ** -11;
/** The absolute tolerance as a fraction of the tensor's largest element: sums of terms that cancel have no relative one. */
const ABSOLUTE_FRACTION = 1e-5;
const DIFFERENCE_STEP = 1e-6;
const DERIVATIVE_TOLERANCE = 1e-5;
const DERIVATIVES_PER_INPUT = 12;

/**
 * Checks an op on all of its samples.
 *
 * @returns What was checked.
 * @throws {ResiduaError} At the first check that fails: the op, the sample, the place, both values.
 *
 * @example
 * ```ts ignore
 * import { checkOp } from "@residua/residua/core";
 * console.log(await checkOp(myOp));
 * ```
 */
export async function checkOp<A extends Attributes>(op: Op<A>, options: CheckOptions = {}): Promise<CheckReport> {
  const erased = op as unknown as Op;
  const random = new Random(options.seed ?? 0, `check ${op.name}`);
  // An op without WebGPU kernels is one of the CPU alone.
  const backends = (options.backends ?? [new CpuBackend()]).filter(({ name }) =>
    name === "cpu" || erased.webgpu !== undefined
  );
  const samples = erased.samples();
  if (samples.length === 0) throw new ResiduaError(`${op.name}: it has no samples, so nothing can be checked`);
  const report = { op: op.name, refusals: checkRefusals(erased), comparisons: 0, derivatives: 0 };
  for (const sample of samples) {
    const inputs = makeInputs(sample, random);
    const trace = traceSample(erased, sample);
    report.comparisons += await checkBackends(backends, trace, inputs);
    checkCost(erased, trace);
    if (op.gradient !== undefined) report.derivatives += checkGradient(erased, sample, inputs, random);
  }
  for (const sample of samples.flatMap((sample) => float16Sample(erased, sample))) {
    report.comparisons += await checkBackends(backends, traceSample(erased, sample), makeInputs(sample, random));
  }
  return report;
}

/** The sample with f16 where the op takes it, or nothing where it does not. */
function float16Sample(op: Op, sample: Sample): Sample[] {
  const half = op.float16Inputs?.(sample.inputs.length, { ...op.attributes, ...sample.attributes } as Attributes) ?? [];
  if (half.length === 0) return [];
  return [{ ...sample, inputs: sample.inputs.map((spec, index) => half.includes(index) ? f16(spec.shape) : spec) }];
}

/** Checks a trace on every backend that has its types. */
async function checkBackends(
  backends: readonly Backend[],
  trace: Trace,
  inputs: readonly NumericArray[],
): Promise<number> {
  const half = [...trace.inputs, ...trace.outputs].some(({ spec }) => isFloat16(spec));
  const able = backends.filter(({ hasFloat16 }) => hasFloat16 || !half);
  if (able.length === 0) return 0;
  const expected = referenceResults(trace, inputs);
  let comparisons = 0;
  for (const backend of able) comparisons += await checkBackend(backend, trace, inputs, expected);
  return comparisons;
}

interface Trace {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly label: string;
}

function traceSample(op: Op, sample: Sample): Trace {
  const graph = new Graph();
  const inputs = sample.inputs.map((spec, index) =>
    op.updates?.includes(index)
      ? graph.state(`input${index}`, spec, { kind: "constant", value: 0 })
      : graph.input(`input${index}`, spec)
  );
  const outputs = graph.apply(op, inputs, sample.attributes);
  const label = `${op.name}(${sample.inputs.map(formatSpec).join(", ")}) ${JSON.stringify(sample.attributes ?? {})}`;
  return { graph, inputs, outputs, label };
}

/** Random normal numbers rounded to their type; labels below 2. */
function makeInputs(sample: Sample, random: Random): NumericArray[] {
  const arrays = sample.inputs.map((spec) => {
    const array = isFloat(spec)
      ? new Float32Array(elementCount(spec.shape))
      : new Uint32Array(elementCount(spec.shape));
    for (let i = 0; i < array.length; i++) array[i] = isFloat(spec) ? random.normal() : random.integer(2);
    return array;
  });
  sample.fill?.(arrays, random);
  sample.inputs.forEach((spec, index) => {
    if (isFloat16(spec)) roundToFloat16(arrays[index] as Float32Array);
  });
  return arrays;
}

function widen(array: NumericArray): NumericArray {
  return array instanceof Uint32Array ? array.slice() : Float64Array.from(array);
}

function checkRefusals(op: Op): number {
  const samples = op.badSamples();
  for (const sample of samples) {
    let message: string | undefined;
    try {
      traceSample(op, sample);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      message = error.message;
    }
    const what = `${op.name}(${sample.inputs.map(formatSpec).join(", ")}) ${JSON.stringify(sample.attributes ?? {})}`;
    if (message === undefined) throw new ResiduaError(`${what}: expected an error but it was accepted`);
    if (!message.startsWith(`${op.name}: `) || !message.includes(sample.message)) {
      throw new ResiduaError(
        `${what}: expected an error that says "${op.name}: … ${sample.message}" but it says "${message}"`,
      );
    }
  }
  return samples.length;
}

/** The float64 values of the outputs, then those of all inputs after the op ran. */
function referenceResults(trace: Trace, inputs: readonly NumericArray[]): NumericArray[] {
  const given = new Map(trace.inputs.map((value, index) => [value, widen(inputs[index])]));
  const values = interpret(trace.graph, given);
  return [...trace.outputs, ...trace.inputs].map((value) => values.get(value)!);
}

async function checkBackend(
  backend: Backend,
  trace: Trace,
  inputs: readonly NumericArray[],
  expected: readonly NumericArray[],
): Promise<number> {
  let comparisons = 0, variants = 1;
  for (let variant = 0; variant < variants; variant++) {
    const storages = new Map<string, Storage>();
    for (const value of trace.inputs) {
      if (value.kind === "state") storages.set(value.name, backend.allocate(value.spec));
    }
    const read = [...trace.outputs, ...trace.inputs];
    let variantName = "";
    const program = await compile(trace.graph, backend, {
      outputs: Object.fromEntries(read.map((value, index) => [`${index}`, value])),
      variables: storages,
      fuse: false,
      poison: true,
      chooseVariant: (_node, all) => {
        variants = all.length;
        variantName = ` (${all[variant].name})`;
        return variant;
      },
    });
    trace.inputs.forEach((value, index) => {
      const data = inputs[index] as Float32Array | Uint32Array;
      if (value.kind === "state") storages.get(value.name)!.write(data);
      else program.write(value.name, data);
    });
    program.run();
    for (let index = 0; index < read.length; index++) {
      const place = index < trace.outputs.length
        ? `output ${index}`
        : `input ${index - trace.outputs.length} afterwards`;
      const actual = await program.read(`${index}`);
      compareArrays(
        `${trace.label}: ${backend.name}${variantName}, ${place}`,
        read[index].spec,
        actual,
        expected[index],
      );
      comparisons++;
    }
    program.destroy();
    for (const storage of storages.values()) storage.destroy();
  }
  return comparisons;
}

/**
 * Compares a tensor with its float64 value: relative tolerance 1e-4, and 1e-5 of the largest element; integers exactly. What
 * is stored as f16 may be rounded once more: by 2^-11 of itself, or to 0 if it is below the normal numbers.
 *
 * @param roundings How often; once unless given.
 * @throws {ResiduaError} At the first element that differs: where, and both values.
 */
export function compareArrays(
  label: string,
  spec: TensorSpec,
  actual: NumericArray,
  expected: NumericArray,
  roundings = 1,
): void {
  if (actual.length !== expected.length) {
    throw new ResiduaError(`${label}: expected ${expected.length} elements but there are ${actual.length}`);
  }
  const rounding = isFloat16(spec) ? roundings : 0;
  let largest = 0;
  for (const value of expected) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  for (let i = 0; i < expected.length; i++) {
    const tolerance = spec.dtype === "u32"
      ? 0
      : (RELATIVE_TOLERANCE + rounding * FLOAT16_ROUNDING) * Math.abs(expected[i]) +
        (ABSOLUTE_FRACTION * largest + rounding * LEAST_NORMAL_FLOAT16);
    if (
      actual[i] === expected[i] || Object.is(actual[i], expected[i]) || Math.abs(actual[i] - expected[i]) <= tolerance
    ) continue;
    throw new ResiduaError(
      `${label}: element ${i} of ${formatSpec(spec)} is ${actual[i]}, expected ${expected[i]} ± ${tolerance}`,
    );
  }
}

function checkCost(op: Op, trace: Trace): void {
  const { flops, bytes } = op.cost(trace.graph.nodes[0]);
  if (!(flops >= 0) || !(bytes > 0) || !Number.isFinite(flops + bytes)) {
    throw new ResiduaError(
      `${trace.label}: expected a cost of finite numbers but it is ${flops} FLOPs and ${bytes} bytes`,
    );
  }
}

/** Holds the gradient rule against central differences of `sum(weights * output 0)`, all in float64. */
function checkGradient(op: Op, sample: Sample, inputs: readonly NumericArray[], random: Random): number {
  const trace = traceSample(op, sample);
  const { graph } = trace;
  const seed = graph.input("outputGradient", trace.outputs[0].spec);
  const weights = Float64Array.from({ length: elementCount(seed.spec.shape) }, () => random.normal());
  const seeds = trace.outputs.map((_, index) => index === 0 ? seed : undefined);
  const gradients = op.gradient!(graph, graph.nodes[0], seeds);
  const wide = inputs.map(widen);
  const given = new Map<Value, NumericArray>(trace.inputs.map((value, index) => [value, wide[index].slice()]));
  const values = interpret(graph, given.set(seed, weights));

  const forward = op.reference(graph.nodes[0]);
  const objective = (arrays: readonly NumericArray[]): number => {
    const outputs = trace.outputs.map((value) => float64Array(value.spec));
    forward([...arrays.map((array) => array.slice()), ...outputs]);
    let sum = 0;
    outputs[0].forEach((value, index) => sum += value * weights[index]);
    return sum;
  };
  let derivatives = 0;
  gradients.forEach((gradient, index) => {
    if (gradient === undefined) return;
    const analytic = values.get(gradient)!;
    const array = wide[index];
    if (analytic.length !== array.length) {
      throw new ResiduaError(
        `${trace.label}: the gradient of input ${index} is ${formatSpec(gradient.spec)}, not of the input's shape`,
      );
    }
    let scale = 1;
    analytic.forEach((value) => scale = Math.max(scale, Math.abs(value)));
    for (let k = 0; k < Math.min(DERIVATIVES_PER_INPUT, array.length); k++) {
      const place = random.integer(array.length), kept = array[place];
      array[place] = kept + DIFFERENCE_STEP;
      const above = objective(wide);
      array[place] = kept - DIFFERENCE_STEP;
      const below = objective(wide);
      array[place] = kept;
      const numeric = (above - below) / (2 * DIFFERENCE_STEP);
      if (!(Math.abs(numeric - analytic[place]) <= DERIVATIVE_TOLERANCE * scale)) {
        throw new ResiduaError(
          `${trace.label}: the gradient of input ${index} at element ${place} is ${
            analytic[place]
          }, central differences give ${numeric}`,
        );
      }
      derivatives++;
    }
  });
  return derivatives;
}
