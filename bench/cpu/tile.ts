/**
 * The rate of the CPU backend's innermost loop, the tile of its matrix product, on all threads at once: products of
 * panels that stay in the caches. A whole product is slower by packing, memory accesses and edges.
 */

import { compile, CpuBackend, f32, Graph, type Op, type Program, Random, registerOp } from "../../core/mod.ts";
import { EDGE_FLOATS, panelCount } from "../../kernels/mod.ts";

/** Rows of A: 32 panels of five for each panel of B, so that packing B takes about a percent of the time. */
const ROWS = 160;
/** Depth of the panels, as in the matrix product. */
const DEPTH = 256;
/** Columns of a panel of B. */
const PANEL = 8;
/** Panels of B, a task each: together some 10 ms. */
const TASKS = 512;
const FLOPS = 2 * ROWS * PANEL * TASKS * DEPTH;
/** Runs of a measurement; the fastest counts. */
const RUNS = 5;

/** A is in panels already; a panel of B begins a row after the last one. */
const panelProducts: Op = registerOp({
  name: "benchPanelProducts",
  attributes: {},
  infer: () => [f32([ROWS, PANEL * TASKS])],
  reference() {
    throw new Error("benchPanelProducts has a CPU kernel only");
  },
  cpu: () => ({
    scratch: EDGE_FLOATS + DEPTH * PANEL,
    stages: [{
      kernel: "gemm",
      tasks: TASKS,
      arguments: [
        { buffer: 0 },
        { buffer: 1 },
        { buffer: 2 },
        ROWS,
        PANEL * TASKS,
        DEPTH,
        ...[PANEL, 1],
        PANEL * TASKS,
        0,
        PANEL,
        panelCount(ROWS),
        1,
      ],
    }],
  }),
  cost: () => ({ flops: FLOPS, bytes: 0 }),
  samples: () => [],
  badSamples: () => [],
});

/** Measures the tile; its threads sleep in between. */
export class TileRate {
  readonly #backend: CpuBackend;
  readonly #program: Program;

  private constructor(backend: CpuBackend, program: Program) {
    this.#backend = backend;
    this.#program = program;
  }

  /** Starts a number of threads. */
  static async start(threads: number): Promise<TileRate> {
    const backend = await CpuBackend.create({ threads }), graph = new Graph(), random = new Random(0, "tile");
    const shapes = { a: [ROWS, DEPTH], b: [DEPTH + TASKS, PANEL] };
    const inputs = Object.entries(shapes).map(([name, shape]) => graph.input(name, f32(shape)));
    const [c] = panelProducts.apply(graph, inputs);
    const program = await compile(graph, backend, { outputs: { c } });
    for (const [name, [rows, columns]] of Object.entries(shapes)) {
      program.write(name, Float32Array.from({ length: rows * columns }, () => random.uniform(-1, 1)));
    }
    return new TileRate(backend, program);
  }

  /** The GFLOP/s of all threads together. */
  measure(): number {
    let least = Infinity;
    for (let k = 0; k < RUNS; k++) {
      const started = performance.now();
      this.#program.run();
      least = Math.min(least, performance.now() - started);
    }
    return FLOPS / least / 1e6;
  }

  /** Ends the threads. */
  close(): void {
    this.#backend.destroy();
  }
}
