/** One op alone on WebGPU, on random numbers: whether a variant computes what the CPU does, and how long it takes. */

import type { Backend, Storage } from "../../backend.ts";
import { compareArrays } from "../../check_op.ts";
import { compile, type Program } from "../../compile.ts";
import { DeviceError, ResiduaError } from "../../util/errors.ts";
import { Graph, type Node, type Value } from "../../graph/graph.ts";
import type { NumericArray } from "../../op.ts";
import { Random } from "../../util/random.ts";
import { elementCount } from "../../graph/shape.ts";
import type { WebGpuBackend } from "../backend.ts";

/** Runs of which the fastest counts: at least so many, and more until they took so long together. */
const RUNS = { least: 3, most: 20, seconds: 0.1 };
/** A variant that takes so many times as long as the best one is given up after a run. */
const SLOW = 3;
/** Runs that are timed together where there are no timestamps, so that waiting for the queue counts less. */
const RUNS_TOGETHER = 8;

/** An op, its inputs, and what it makes of them on the CPU. */
export class VariantMeasurement {
  readonly #node: Node;
  readonly #backend: WebGpuBackend;
  readonly #inputs: readonly (Float32Array | Uint32Array)[];
  readonly #expected: readonly NumericArray[];

  private constructor(
    node: Node,
    backend: WebGpuBackend,
    inputs: readonly (Float32Array | Uint32Array)[],
    expected: readonly NumericArray[],
  ) {
    this.#node = node;
    this.#backend = backend;
    this.#inputs = inputs;
    this.#expected = expected;
  }

  /**
   * Draws the inputs and computes the results.
   *
   * @param backend Where variants are timed.
   * @param reference Where what they should give is computed.
   */
  static async create(node: Node, backend: WebGpuBackend, reference: Backend): Promise<VariantMeasurement> {
    const inputs = drawInputs(node);
    return new VariantMeasurement(node, backend, inputs, await withProgram(node, reference, inputs, 0, readAll));
  }

  /**
   * Runs a variant: once to compile it and to see whether it is right, then against the clock.
   *
   * @param variant Its number.
   * @param least The seconds of the best variant so far: one that is much slower is not run further.
   * @returns The seconds of its fastest run.
   * @throws {DeviceError} If it does not compile, or computes something else.
   */
  time(variant: number, least: number): Promise<number> {
    return withProgram(this.#node, this.#backend, this.#inputs, variant, async (program, read) => {
      // The first run compiles, on drivers that wait until then; its memory is poisoned, so that what it leaves out is seen.
      this.#check(read, await readAll(program, read));
      let fastest = Infinity, spent = 0;
      for (let run = 0; run < RUNS.most && (run < RUNS.least || spent < RUNS.seconds); run++) {
        const seconds = await this.#secondsOf(program);
        fastest = Math.min(fastest, seconds);
        spent += seconds;
        if (fastest > SLOW * least) break;
      }
      return fastest;
    });
  }

  #check(read: readonly Value[], results: readonly NumericArray[]): void {
    try {
      results.forEach((result, k) => compareArrays(this.#node.op.name, read[k].spec, result, this.#expected[k]));
    } catch (error) {
      if (!(error instanceof ResiduaError)) throw error;
      throw new DeviceError(`it does not compute what the CPU does (${error.message})`);
    }
  }

  async #secondsOf(program: Program): Promise<number> {
    if (this.#backend.device.features.has("timestamp-query")) {
      return (await program.profile()).reduce((sum, { seconds }) => sum + seconds, 0);
    }
    await this.#backend.finish();
    const started = performance.now();
    for (let run = 0; run < RUNS_TOGETHER; run++) program.run();
    await this.#backend.finish();
    return (performance.now() - started) / 1000 / RUNS_TOGETHER;
  }
}

/** Random numbers of both signs; above zero in vectors and scalars, since these may be variances. Integers are 0 or 1. */
function drawInputs({ inputs }: Node): (Float32Array | Uint32Array)[] {
  const random = new Random(0, "tune");
  return inputs.map(({ dtype, shape }) => {
    const length = elementCount(shape), least = shape.length < 2 ? 0.5 : -1;
    return dtype === "u32"
      ? Uint32Array.from({ length }, () => random.integer(2))
      : Float32Array.from({ length }, () => random.uniform(least, least + 1 + Number(least < 0)));
  });
}

/** Compiles an op alone, gives it its inputs, and gives back all memory in the end. */
async function withProgram<T>(
  { op, inputs, attributes }: Node,
  backend: Backend,
  data: readonly (Float32Array | Uint32Array)[],
  variant: number,
  use: (program: Program, read: readonly Value[]) => Promise<T>,
): Promise<T> {
  const graph = new Graph(), variables = new Map<string, Storage>();
  const values = inputs.map((spec, k) => {
    if (!op.updates?.includes(k)) return graph.input(`${k}`, spec);
    const value = graph.state(`${k}`, spec, { kind: "constant", value: 0 });
    variables.set(value.name, backend.allocate(spec));
    return value;
  });
  let program: Program | undefined;
  try {
    const read = [...graph.apply(op, values, attributes), ...values.filter(({ kind }) => kind === "state")];
    const outputs = Object.fromEntries(read.map((value, k) => [`${k}`, value]));
    program = await compile(graph, backend, {
      outputs,
      variables,
      fuse: false,
      poison: true,
      chooseVariant: () => variant,
    });
    for (const [k, { name }] of values.entries()) {
      const storage = variables.get(name);
      if (storage === undefined) program.write(name, data[k]);
      else storage.write(data[k]);
    }
    return await use(program, read);
  } finally {
    program?.destroy();
    for (const storage of variables.values()) storage.destroy();
  }
}

/** Runs a program and copies all that it computed. */
async function readAll(program: Program, read: readonly Value[]): Promise<NumericArray[]> {
  program.run();
  const results: NumericArray[] = [];
  for (const k of read.keys()) results.push(await program.read(`${k}`));
  return results;
}
