/** One op alone on WebGPU, on random numbers: whether a variant computes what the CPU does, and programs to time it by. */

import type { Backend, Storage } from "../../backend.ts";
import { compareArrays } from "../../compare_arrays.ts";
import { compile, type Program } from "../../compile.ts";
import { Graph, type Node, type Value } from "../../graph/graph.ts";
import { byteSize, elementCount, type TensorSpec } from "../../graph/shape.ts";
import type { NumericArray } from "../../op.ts";
import { plan } from "../../plan/plan.ts";
import { DeviceError, ResiduaError } from "../../util/errors.ts";
import { Random } from "../../util/random.ts";
import type { WebGpuBackend } from "../backend.ts";
import { WebGpuExecutable } from "../executable.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Random numbers that are drawn for a tensor; larger ones repeat them. A prime, so that no rows of theirs are equal. */
const DRAWN = 65_521;
/** The most bytes of results that are checked before any timing; larger ones are checked of the winner only. */
const CHECKED_FIRST = 1 << 20;

/** An op, its inputs, what it makes of them on the CPU, and the variants that are timed. */
export class Trial {
  readonly #node: Node;
  readonly #backend: WebGpuBackend;
  readonly #inputs: readonly NumericArrays[];
  readonly #expected: readonly NumericArray[];
  readonly #storages: readonly Storage[];
  readonly #programs = new Map<number, WebGpuExecutable>();
  readonly #right = new Set<number>();
  /** The clock of its contests. */
  readonly track: Stopwatch;

  private constructor(
    node: Node,
    backend: WebGpuBackend,
    inputs: readonly NumericArrays[],
    expected: readonly NumericArray[],
  ) {
    this.#node = node;
    this.#backend = backend;
    this.#inputs = inputs;
    this.#expected = expected;
    this.#storages = storagesFor(node, backend);
    inputs.forEach((data, k) => this.#storages[k].write(data));
    this.track = new Stopwatch(backend, (candidate) => this.#programs.get(candidate)!);
  }

  /**
   * Draws the inputs and computes the results.
   *
   * @param backend Where variants are timed.
   * @param reference Where what they should give is computed.
   */
  static async create(node: Node, backend: WebGpuBackend, reference: Backend): Promise<Trial> {
    const inputs = drawInputs(node), storages = storagesFor(node, reference);
    try {
      inputs.forEach((data, k) => storages[k].write(data));
      return new Trial(node, backend, inputs, await runAlone(node, reference, storages));
    } finally {
      for (const storage of storages) storage.destroy();
    }
  }

  /** Whether the results are so small that each variant is checked before it is timed. */
  get checksFirst(): boolean {
    const { op, inputs, outputs } = this.#node;
    const read = [...outputs, ...(op.updates ?? []).map((k) => inputs[k])];
    return read.reduce((sum, spec) => sum + byteSize(spec), 0) <= CHECKED_FIRST;
  }

  /** The bytes that a variant's program takes beside the inputs, which all share. */
  bytesOf(variant: number): number {
    const { graph, outputs } = alone(this.#node);
    return this.#backend.memoryNeed(plan(graph, outputs, { fuse: false }), {
      scalars: [],
      chooseVariant: () => variant,
    })
      .total;
  }

  /**
   * Runs a variant once, on memory that holds NaN before, so that what it leaves out is seen.
   *
   * @throws {DeviceError} If it does not compile, or computes something else than the CPU does.
   */
  async check(variant: number): Promise<void> {
    if (this.#right.has(variant)) return;
    const { op, inputs, outputs } = this.#node;
    const results = await runAlone(this.#node, this.#backend, this.#storages, variant, () => {
      for (const k of op.updates ?? []) this.#storages[k].write(this.#inputs[k]);
    });
    const specs = [...outputs, ...(op.updates ?? []).map((k) => inputs[k])];
    try {
      results.forEach((result, k) => compareArrays(op.name, specs[k], result, this.#expected[k]));
    } catch (error) {
      if (!(error instanceof ResiduaError)) throw error;
      throw new DeviceError(`it does not compute what the CPU does (${error.message})`);
    }
    this.#right.add(variant);
  }

  /**
   * Makes the program by which a variant is timed.
   *
   * @throws {DeviceError} If it does not compile.
   */
  async enter(variant: number): Promise<void> {
    if (this.#programs.has(variant)) return;
    this.#programs.set(variant, await compileAlone(this.#node, this.#backend, this.#storages, { variant }));
  }

  /**
   * Makes the programs of several variants while the device is kept at work with another's.
   *
   * @param enter Makes one, as {@link Trial.enter} does.
   */
  async enterAll(variants: readonly number[], enter: (variant: number) => Promise<unknown>): Promise<void> {
    let stop: (() => Promise<void>) | undefined;
    try {
      for (const variant of variants) {
        await enter(variant);
        const program = this.#programs.get(variant);
        if (program !== undefined) stop ??= this.track.keepWarm(program);
      }
    } finally {
      await stop?.();
    }
  }

  /** Gives the memory of a variant's program back. */
  leave(variant: number): void {
    this.#programs.get(variant)?.destroy();
    this.#programs.delete(variant);
  }

  /** Gives all memory back. */
  destroy(): void {
    for (const variant of [...this.#programs.keys()]) this.leave(variant);
    for (const storage of this.#storages) storage.destroy();
  }
}

type NumericArrays = Float32Array | Uint32Array;

/** Random numbers of both signs; above zero in vectors and scalars, since these may be variances. Integers are 0 or 1. */
function drawInputs({ inputs }: Node): NumericArrays[] {
  const random = new Random(0, "tune");
  return inputs.map((spec) => {
    const length = elementCount(spec.shape), drawn = Math.min(length, DRAWN);
    return repeat(draw(spec, drawn, random), length);
  });
}

function draw({ dtype, shape }: TensorSpec, length: number, random: Random): NumericArrays {
  const least = shape.length < 2 ? 0.5 : -1;
  return dtype === "u32"
    ? Uint32Array.from({ length }, () => random.integer(2))
    : Float32Array.from({ length }, () => random.uniform(least, least + 1 + Number(least < 0)));
}

function repeat(drawn: NumericArrays, length: number): NumericArrays {
  if (drawn.length === length) return drawn;
  const all = drawn instanceof Uint32Array ? new Uint32Array(length) : new Float32Array(length);
  for (let at = 0; at < length; at += drawn.length) all.set(drawn.subarray(0, length - at), at);
  return all;
}

/** A graph of an op alone. All that it reads are variables, so that programs share them. */
function alone({ op, inputs, attributes }: Node): { readonly graph: Graph; readonly outputs: Map<string, Value> } {
  const graph = new Graph();
  const values = inputs.map((spec, k) => graph.state(`${k}`, spec, { kind: "constant", value: 0 }));
  const read = [...graph.apply(op, values, attributes), ...(op.updates ?? []).map((k) => values[k])];
  return { graph, outputs: new Map(read.map((value, k) => [`${k}`, value])) };
}

function storagesFor({ inputs }: Node, backend: Backend): Storage[] {
  const storages: Storage[] = [];
  try {
    for (const spec of inputs) storages.push(backend.allocate(spec));
  } catch (error) {
    for (const storage of storages) storage.destroy();
    throw error;
  }
  return storages;
}

function compileOnly(
  node: Node,
  backend: Backend,
  storages: readonly Storage[],
  { variant, poison }: { readonly variant?: number; readonly poison?: boolean },
): Promise<Program> {
  const { graph, outputs } = alone(node);
  return compile(graph, backend, {
    outputs: Object.fromEntries(outputs),
    variables: new Map(storages.map((storage, k) => [`${k}`, storage])),
    fuse: false,
    poison,
    everyStep: true,
    chooseVariant: variant === undefined ? undefined : () => variant,
  });
}

async function compileAlone(
  node: Node,
  backend: WebGpuBackend,
  storages: readonly Storage[],
  options: { readonly variant: number },
): Promise<WebGpuExecutable> {
  const program = await compileOnly(node, backend, storages, options);
  if (program instanceof WebGpuExecutable) return program;
  throw new DeviceError(`${node.op.name}: expected a program on WebGPU but it is on another backend`);
}

/** Runs an op once and copies all that it computed. */
async function runAlone(
  node: Node,
  backend: Backend,
  storages: readonly Storage[],
  variant?: number,
  prepare: () => void = () => {},
): Promise<NumericArray[]> {
  const program = await compileOnly(node, backend, storages, { variant, poison: true });
  try {
    prepare();
    program.run();
    // Copies are queued before the first is waited for, so that variants which run at once see only their own.
    const count = node.outputs.length + (node.op.updates?.length ?? 0);
    return await Promise.all(Array.from({ length: count }, (_, k) => program.read(`${k}`)));
  } finally {
    program.destroy();
  }
}
