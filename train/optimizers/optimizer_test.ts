import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Backend, compile, CpuBackend, f32, Graph, UsageError } from "../../core/mod.ts";
import golden from "../../tests/golden/training.json" with { type: "json" };
import {
  adamwOptimizer,
  type Optimizer,
  recordUpdates,
  rmspropOptimizer,
  sgdOptimizer,
  type UpdateOptions,
} from "../mod.ts";
import { Variables } from "../../weights/mod.ts";

const CASES: Record<string, { optimizer: Optimizer; rate: number; options?: UpdateOptions }> = {
  "nesterov": { optimizer: sgdOptimizer({ weightDecay: 0.01, nesterov: true }), rate: 0.1 },
  "decay of weights": { optimizer: sgdOptimizer({ momentum: 0.8, weightDecay: 0.1, decay: "weights" }), rate: 0.1 },
  "clipping": { optimizer: sgdOptimizer({ weightDecay: 0.01 }), rate: 0.1, options: { clipNorm: 0.5 } },
  "clipping that does nothing": {
    optimizer: sgdOptimizer({ weightDecay: 0.01 }),
    rate: 0.1,
    options: { clipNorm: 50 },
  },
  "rmsprop": { optimizer: rmspropOptimizer({ weightDecay: 0 }), rate: 0.045 },
  "rmsprop, small epsilon": {
    optimizer: rmspropOptimizer({ weightDecay: 0, momentum: 0.5, rho: 0.8, epsilon: 1e-3 }),
    rate: 0.01,
  },
  "adamw": { optimizer: adamwOptimizer(), rate: 1e-3 },
  "adamw, decay of weights": {
    optimizer: adamwOptimizer({ beta1: 0.7, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.5, decay: "weights" }),
    rate: 0.1,
  },
  "clipped adamw": { optimizer: adamwOptimizer({ weightDecay: 0.1 }), rate: 0.1, options: { clipNorm: 0.5 } },
};

/** A program that updates parameters by gradients which are written to it. */
async function updater(backend: Backend, shapes: number[][], optimizer: Optimizer, options: UpdateOptions = {}) {
  const graph = new Graph({ training: true }), variables = new Variables();
  const parameters = shapes.map((shape, index) => ({
    parameter: graph.parameter(`p${index}`, f32(shape), { kind: "constant", value: 0 }),
    gradient: graph.input(`g${index}`, f32(shape)),
  }));
  recordUpdates(graph, optimizer, parameters, [], options);
  variables.add(graph, backend, 0);
  return { variables, program: await compile(graph, backend, { variables: variables.storages, poison: true }) };
}

function assertNear(actual: ArrayLike<number>, expected: readonly number[]): void {
  assertEquals(actual.length, expected.length);
  expected.forEach((value, i) => assertAlmostEquals(actual[i], value, 2e-6 * Math.max(1, Math.abs(value))));
}

for (const { name, start, shapes, gradients, after } of golden.optimizers) {
  Deno.test(`four steps of an optimiser end where those of tools/golden_training.py do: ${name}`, async () => {
    const { optimizer, rate, options } = CASES[name];
    const { variables, program } = await updater(new CpuBackend(), shapes, optimizer, options);
    start.forEach((data, index) => variables.storages.get(`p${index}`)!.write(Float32Array.from(data)));
    program.write("learningRate", Float32Array.of(rate));
    for (const [step, gradient] of gradients.entries()) {
      gradient.forEach((data, index) => program.write(`g${index}`, Float32Array.from(data)));
      program.run();
      for (const [index, expected] of after[step].entries()) {
        assertNear(await variables.storages.get(`p${index}`)!.read(), expected);
      }
    }
  });
}

Deno.test("rmspropOptimizer() couples weight decay, to weights alone unless told otherwise", async () => {
  const ends = [];
  for (const decay of ["weights", "all"] as const) {
    const optimizer = rmspropOptimizer({ weightDecay: 0.5, decay });
    const { variables, program } = await updater(new CpuBackend(), [[1, 1], [1]], optimizer);
    for (const storage of ["p0", "p1"]) variables.storages.get(storage)!.write(Float32Array.of(2));
    for (const gradient of ["g0", "g1"]) program.write(gradient, Float32Array.of(0));
    program.write("learningRate", Float32Array.of(1));
    program.run();
    ends.push(await Promise.all(["p0", "p1"].map(async (name) => (await variables.storages.get(name)!.read())[0])));
  }
  // g = 0.5·2 = 1; s = 0.9 + 0.1; p = 2 - 1/√2.
  const moved = 2 - Math.SQRT1_2;
  assertNear(ends[0], [moved, 2]);
  assertNear(ends[1], [moved, moved]);
});

Deno.test("an average of weights follows torch.optim.swa_utils.AveragedModel", async () => {
  const { start, weights, averages } = golden.ema;
  // SGD at a rate of 1 without momentum takes the weights wherever the gradient says.
  const optimizer = sgdOptimizer({ momentum: 0, weightDecay: 0 });
  const { variables, program } = await updater(new CpuBackend(), [[2, 3]], optimizer, { ema: 0.9 });
  variables.storages.get("p0")!.write(Float32Array.from(start));
  await variables.startAverages();
  program.write("learningRate", Float32Array.of(1));
  let before = start;
  for (const [step, next] of weights.entries()) {
    program.write("g0", Float32Array.from(next, (value, i) => before[i] - value));
    program.run();
    assertNear((await variables.readEvaluated()).get("p0")!.data, averages[step]);
    before = next;
  }
});

Deno.test("optimisers refuse an average that never follows, a norm of 0, an epsilon of 0 and a beta of 1", () => {
  assertThrows(() => rmspropOptimizer({ epsilon: 0 }), UsageError, "epsilon to be above 0");
  assertThrows(() => adamwOptimizer({ epsilon: 0 }), UsageError, "adamw: expected epsilon to be above 0");
  assertThrows(() => adamwOptimizer({ beta2: 1 }), UsageError, "beta2 to be from 0 to less than 1 but it is 1");
  assertThrows(() => recordUpdates(new Graph(), sgdOptimizer(), [], [], { clipNorm: 0 }), UsageError, "above 0");
  assertThrows(() => recordUpdates(new Graph(), sgdOptimizer(), [], [], { ema: 1 }), UsageError, "less than 1");
});
