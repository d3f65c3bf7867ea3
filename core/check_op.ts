/**
 * The conformance checks that every op passes by being registered, a user's own included: refusals, each backend against
 * float64 and against the other, every kernel variant, and the gradient rule against central differences.
 */

import type { Backend, Storage } from "./backend.ts";
import { compareArrays } from "./compare_arrays.ts";
import { compile, type Program } from "./compile.ts";
import { type Candidate, coverageKey, coveringSet } from "./covering_set.ts";
import { CpuBackend } from "./cpu/backend.ts";
import { ResiduaError, ShapeError } from "./util/errors.ts";
import { Graph, type Value } from "./graph/graph.ts";
import { roundToFloat16 } from "./util/float16.ts";
import { float64Array, interpret } from "./graph/interpret.ts";
import type { Attributes, BadSample, NumericArray, Op, Sample } from "./op.ts";
import type { WebGpuVariant } from "./webgpu/tuning/family.ts";
import { plan } from "./plan/plan.ts";
import { Random } from "./util/random.ts";
import { elementCount, f16, formatSpec, isFloat, isFloat16 } from "./graph/shape.ts";
import type { VariantChooser } from "./webgpu/tuning/choices.ts";

/** Runs a check under its name, as `t.step` of `Deno.test` does. */
export type CheckStep = (name: string, run: () => Promise<void>) => Promise<unknown>;

/** How an op is checked. */
export interface CheckOptions {
  /** The backends that are held against float64. Defaults to a CPU backend alone. */
  readonly backends?: readonly Backend[];
  /** The seed of the random inputs. */
  readonly seed?: number;
  /**
   * Which WebGPU kernels are checked: every variant of every sample, or a covering set, which has every family and
   * configuration on some sample and every sample by some variant, or one that has every family. Defaults to all.
   */
  readonly variants?: "all" | "covering" | "families";
  /**
   * Whether what no device has a part in is checked too: what the op refuses, and its gradient rule. Defaults to true.
   */
  readonly rules?: boolean;
  /**
   * Gets each check with its name, which says the sample, the backend and the variant. What it throws ends the checks.
   * Defaults to running all checks, and then throwing one error for all that failed.
   */
  readonly step?: CheckStep;
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

type CheckedVariants = NonNullable<CheckOptions["variants"]>;

const DIFFERENCE_STEP = 1e-6;
const DERIVATIVE_TOLERANCE = 1e-5;
const DERIVATIVES_PER_INPUT = 12;

/**
 * Checks an op on all of its samples.
 *
 * @returns What was checked and held.
 * @throws {ResiduaError} If a check fails, after all have run: for each failure the op, the sample, the index, both values.
 *
 * @example
 * ```ts ignore
 * import { checkOp } from "@residua/residua/core";
 * console.log(await checkOp(myOp));
 * Deno.test("myOp conforms", async (t) => {
 *   await checkOp(myOp, { step: (name, run) => t.step(name, run) });
 * });
 * ```
 */
export async function checkOp<A extends Attributes>(op: Op<A>, options: CheckOptions = {}): Promise<CheckReport> {
  const erased = op as unknown as Op, { seed = 0, variants = "all", rules = true } = options;
  // An op without WebGPU kernels is one of the CPU alone.
  const backends = (options.backends ?? [new CpuBackend()]).filter(({ name }) =>
    name === "cpu" || erased.webgpu !== undefined
  );
  const samples = erased.samples(), failures: unknown[] = [];
  if (samples.length === 0) throw new ResiduaError(`${op.name}: it has no samples, so nothing can be checked`);
  const step = options.step ?? ((_name, run) => run().catch((error) => failures.push(error)));
  const report = { op: op.name, refusals: 0, comparisons: 0, derivatives: 0 };

  for (const sample of rules ? erased.badSamples() : []) {
    const label = labelOf(erased, sample);
    // deno-lint-ignore require-await -- what it throws must reject.
    await step(`${label}: is refused`, async () => {
      checkRefusal(erased, sample, label);
      report.refusals++;
    });
  }
  const cases: Case[] = [];
  for (const sample of [...samples, ...samples.flatMap((sample) => float16Sample(erased, sample))]) {
    const label = labelOf(erased, sample);
    // deno-lint-ignore require-await -- what it throws must reject.
    await step(`${label}: shapes and cost`, async () => {
      const made = makeCase(erased, sample, label, seed);
      cases.push(made);
      checkCost(erased, made.trace);
    });
  }
  const runs = backends.map((backend) => chooseRuns(backend, cases, variants));
  for (const [index, made] of cases.entries()) {
    for (const [number, backend] of backends.entries()) {
      const isAlone = backends.every(({ name }, other) => other === number || name !== backend.name);
      for (const run of runs[number][index]) {
        const where = isAlone ? backend.name : backend.description;
        const label = [`${made.trace.label}: ${where}`, ...(run.name === undefined ? [] : [run.name])].join(", ");
        await step(label, async () => {
          report.comparisons += await checkRun(backend, made, run.variant, label);
        });
      }
    }
    if (!rules || op.gradient === undefined || isHalf(made)) continue;
    // deno-lint-ignore require-await -- what it throws must reject.
    await step(`${made.trace.label}: gradient`, async () => {
      report.derivatives += checkGradient(erased, made, seed);
    });
  }
  if (failures.length > 0) throw joinFailures(op.name, failures);
  return report;
}

function joinFailures(op: string, failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0];
  const messages = failures.map((failure) => failure instanceof Error ? failure.message : String(failure));
  return new ResiduaError([`${op}: ${failures.length} checks failed`, ...messages].join("\n"));
}

/** The sample with f16 where the op takes it, or nothing where it does not. */
function float16Sample(op: Op, sample: Sample): Sample[] {
  const half = op.float16Inputs?.(sample.inputs.length, { ...op.attributes, ...sample.attributes } as Attributes) ?? [];
  if (half.length === 0) return [];
  return [{ ...sample, inputs: sample.inputs.map((spec, index) => half.includes(index) ? f16(spec.shape) : spec) }];
}

/** A sample with its random inputs. */
interface Case {
  readonly sample: Sample;
  readonly trace: Trace;
  readonly inputs: readonly NumericArray[];
  /** The float64 values of the outputs, then those of all inputs after the op ran. */
  expected(): readonly NumericArray[];
}

/** Each sample has a stream of random numbers of its own, so that others, and the checks of this one, change nothing in it. */
function randomOf(label: string, seed: number, what: string): Random {
  return new Random(seed, `check ${label}, ${what}`);
}

function makeCase(op: Op, sample: Sample, label: string, seed: number): Case {
  const trace = traceSample(op, sample), inputs = makeInputs(sample, randomOf(label, seed, "inputs"));
  let expected: readonly NumericArray[] | undefined;
  return { sample, trace, inputs, expected: () => expected ??= referenceResults(trace, inputs) };
}

function isHalf({ trace }: Case): boolean {
  return [...trace.inputs, ...trace.outputs].some(({ spec }) => isFloat16(spec));
}

/** A kernel that a case runs on a backend: the backend's own where there is no variant. */
interface Run {
  readonly name?: string;
  readonly variant?: number;
}

/** What each case runs on a backend; nothing where it lacks f16. */
function chooseRuns(backend: Backend, cases: readonly Case[], which: CheckedVariants): Run[][] {
  const able = cases.map((made) => backend.hasFloat16 || !isHalf(made));
  const variants = cases.map(({ trace }, index) => able[index] ? listVariants(backend, trace) : []);
  const chosen = which === "all"
    ? variants.map((all) => all.map((_, index) => index))
    : coveringSet(variants.map((all, index) => all.map((variant) => candidate(variant, cases[index], which))));
  return cases.map((_, index) => {
    if (able[index] && variants[index].length === 0) return [{}];
    return chosen[index].map((variant) => ({ name: variants[index][variant].name, variant }));
  });
}

/**
 * Kernels of f16 are those of f32 with other loads and stores, which are rewritten by rule: each family is covered apart, but
 * not each of its configurations.
 */
function candidate(variant: WebGpuVariant, made: Case, which: CheckedVariants): Candidate {
  const cost = variant.kernels.reduce((length, { wgsl }) => length + wgsl.length, 0);
  if (isHalf(made)) return { key: `${variant.family}, f16`, cost };
  return { key: which === "families" ? variant.family : coverageKey(variant), cost };
}

/** The variants of the op on a backend that has several; none where they cannot be made, which the run will tell. */
function listVariants(backend: Backend, trace: Trace): readonly WebGpuVariant[] {
  let variants: readonly WebGpuVariant[] = [];
  const chooseVariant: VariantChooser = (_node, all) => {
    variants = all;
    return 0;
  };
  try {
    backend.memoryNeed(plan(trace.graph, readOf(trace), { fuse: false }), { scalars: [], chooseVariant });
  } catch {
    return [];
  }
  return variants;
}

/** What is read after a run, by its index: the outputs, then the inputs. */
function readOf({ outputs, inputs }: Trace): Map<string, Value> {
  return new Map([...outputs, ...inputs].map((value, index) => [`${index}`, value]));
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
  return { graph, inputs, outputs, label: labelOf(op, sample) };
}

function labelOf(op: Op, { inputs, attributes = {} }: Pick<Sample, "inputs" | "attributes">): string {
  return `${op.name}(${inputs.map(formatSpec).join(", ")}) ${JSON.stringify(attributes)}`;
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

function checkRefusal(op: Op, sample: BadSample, label: string): void {
  let message: string | undefined;
  try {
    traceSample(op, sample);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    message = error.message;
  }
  if (message === undefined) throw new ResiduaError(`${label}: expected an error but it was accepted`);
  if (!message.startsWith(`${op.name}: `) || !message.includes(sample.message)) {
    throw new ResiduaError(
      `${label}: expected an error that says "${op.name}: … ${sample.message}" but it says "${message}"`,
    );
  }
}

/** The float64 values of the outputs, then those of all inputs after the op ran. */
function referenceResults(trace: Trace, inputs: readonly NumericArray[]): NumericArray[] {
  const given = new Map(trace.inputs.map((value, index) => [value, widen(inputs[index])]));
  const values = interpret(trace.graph, given);
  return [...trace.outputs, ...trace.inputs].map((value) => values.get(value)!);
}

/** Runs a case on poisoned memory and compares all that it gives and all that it was given. */
async function checkRun(
  backend: Backend,
  { trace, inputs, expected }: Case,
  variant: number | undefined,
  label: string,
): Promise<number> {
  const storages = new Map<string, Storage>();
  let program: Program | undefined;
  try {
    for (const value of trace.inputs) {
      if (value.kind === "state") storages.set(value.name, backend.allocate(value.spec));
    }
    program = await compile(trace.graph, backend, {
      outputs: Object.fromEntries(readOf(trace)),
      variables: storages,
      fuse: false,
      poison: true,
      chooseVariant: variant === undefined ? undefined : () => variant,
    });
    for (const [index, value] of trace.inputs.entries()) {
      const data = inputs[index] as Float32Array | Uint32Array;
      if (value.kind === "state") storages.get(value.name)!.write(data);
      else program.write(value.name, data);
    }
    program.run();
    const read = [...trace.outputs, ...trace.inputs], reading = read.map((_, index) => program!.read(`${index}`));
    for (const [index, actual] of (await Promise.all(reading)).entries()) {
      const input = index - trace.outputs.length, what = input < 0 ? `output ${index}` : `input ${input} afterwards`;
      compareArrays(`${label}, ${what}`, read[index].spec, actual, expected()[index]);
    }
    return read.length;
  } finally {
    program?.destroy();
    for (const storage of storages.values()) storage.destroy();
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
function checkGradient(op: Op, { sample, inputs }: Case, seedNumber: number): number {
  const trace = traceSample(op, sample), random = randomOf(trace.label, seedNumber, "gradient");
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
      const element = random.integer(array.length), kept = array[element];
      array[element] = kept + DIFFERENCE_STEP;
      const above = objective(wide);
      array[element] = kept - DIFFERENCE_STEP;
      const below = objective(wide);
      array[element] = kept;
      const numeric = (above - below) / (2 * DIFFERENCE_STEP);
      if (!(Math.abs(numeric - analytic[element]) <= DERIVATIVE_TOLERANCE * scale)) {
        throw new ResiduaError(
          `${trace.label}: the gradient of input ${index} at element ${element} is ${
            analytic[element]
          }, central differences give ${numeric}`,
        );
      }
      derivatives++;
    }
  });
  return derivatives;
}
