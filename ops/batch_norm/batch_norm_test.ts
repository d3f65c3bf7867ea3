/** PyTorch's values for one small case of every form of batch norm, and which forms the planner puts in. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph, type Op, type Value } from "../../core/mod.ts";
import { add } from "../add.ts";
import { relu } from "../relu.ts";
import { relu6 } from "../relu6.ts";
import {
  batchNorm,
  batchNormAddRelu,
  batchNormGradient,
  batchNormInference,
  batchNormInferenceAddRelu,
  batchNormInferenceGradient,
  batchNormInferenceRelu,
  batchNormInferenceRelu6,
  batchNormRelu,
  batchNormRelu6,
  batchNormRelu6Gradient,
  batchNormReluGradient,
} from "./mod.ts";

// torch 1.13, float64: x, r (the residual) and dy are [2, 2, 2, 2]; g = gamma, b = beta, rm and rv the running statistics.
const X = [1, 2, 3, 5, -1, 0, 4, 1, 2, -2, 0, 1, 3, 3, -2, 0.5];
const R = [0.5, -0.5, 1, -2, 0, 0.25, -1, 2, -0.5, 1, 0.75, -1, 1.5, -1.5, 0.5, 0];
const DY = [1, -1, 2, 0.5, 0.5, 1, -2, 1, 0, 1, -0.5, 2, 1, -1, 3, 0.25];
const GAMMA = [1.5, -0.5], BETA = [0.25, 1], MEAN = [0.5, -0.5], VARIANCE = [2, 0.5];

/* F.batch_norm(x, rm, rv, g, b, True, 0.1, 1e-5) */
// deno-fmt-ignore
const TRAINED = [-0.1372978182, 0.6372978182, 1.4118934547, 2.9610847276, 1.5220362288, 1.2689277542, 0.256493856,
  1.0158192797, 0.6372978182, -2.4610847276, -0.9118934547, -0.1372978182, 0.5096023305, 0.5096023305, 1.7751447034,
  1.1423735169];
/* F.batch_norm(x, rm, rv, g, b, False, 0.1, 1e-5) */
// deno-fmt-ignore
const INFERRED = [0.7803287601, 1.8409862802, 2.9016438003, 5.0229588406, 1.3535498551, 0.6464501449, -2.181948696,
  -0.0606495653, 1.8409862802, -2.4016438003, -0.2803287601, 0.7803287601, -1.4748489858, -1.4748489858, 2.0606495653,
  0.2929002898];

interface Result {
  readonly outputs: (Float32Array | Uint32Array)[];
  readonly running: (Float32Array | Uint32Array)[];
}

const SPECS = new Map([[16, f32([2, 2, 2, 2])], [2, f32([2])]]);

async function run(op: Op, data: readonly (readonly number[])[]): Promise<Result> {
  const backend = new CpuBackend(),
    graph = new Graph({ training: true }),
    zero = { kind: "constant", value: 0 } as const;
  const inputs = data.map(({ length }, i) =>
    op.updates?.includes(i) ? graph.state(`${i}`, SPECS.get(length)!, zero) : graph.input(`${i}`, SPECS.get(length)!)
  );
  const results = graph.apply(op, inputs);
  const states = inputs.filter(({ kind }) => kind === "state");
  const variables = new Map(states.map(({ name, spec }) => [name, backend.allocate(spec)]));
  const outputs = Object.fromEntries(results.map((value, i) => [`${i}`, value]));
  const program = await compile(graph, backend, { outputs, variables, poison: true });
  inputs.forEach(({ name, kind }, i) => {
    if (kind === "state") variables.get(name)!.write(Float32Array.from(data[i]));
    else program.write(name, Float32Array.from(data[i]));
  });
  program.run();
  const read = await Promise.all(results.map((_, i) => program.read(`${i}`)));
  return { outputs: read, running: await Promise.all([...variables.values()].map((storage) => storage.read())) };
}

function assertClose(actual: Float32Array | Uint32Array, expected: readonly number[]): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i], 2e-6));
}

const erase = (op: unknown) => op as Op;
const positive = (values: readonly number[]) => values.map((value) => Math.max(value, 0));
const times4 = (values: readonly number[]) => values.map((value) => 4 * value);
/** ReLU6 of four times the values: what follows from {@link times4} of gamma and beta. */
const bounded = (values: readonly number[]) => positive(times4(values)).map((value) => Math.min(value, 6));
const sum = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value + b[i]);

Deno.test("batchNorm() and its fused forms give PyTorch's values in training and update the running statistics", async () => {
  const data = [X, GAMMA, BETA, MEAN, VARIANCE];
  const cases: [Op, number[][], number[]][] = [
    [erase(batchNorm), data, TRAINED],
    [erase(batchNormRelu), data, positive(TRAINED)],
    [erase(batchNormRelu6), [X, times4(GAMMA), times4(BETA), MEAN, VARIANCE], bounded(TRAINED)],
    [erase(batchNormAddRelu), [...data, R], positive(sum(TRAINED, R))],
  ];
  for (const [op, inputs, expected] of cases) {
    const { outputs, running } = await run(op, inputs);
    assertClose(outputs[0], expected);
    // By hand: the means are 12/8 and 8.5/8; 0.9 · 0.5 + 0.1 · 1.5 = 0.6.
    assertClose(outputs[1], [1.5, 1.0625]);
    assertClose(running[0], [0.6, -0.34375]);
    assertClose(running[1], [2.2285714286, 0.8959821429]);
  }
});

Deno.test("batchNormInference() and its fused forms give PyTorch's values", async () => {
  const data = [X, GAMMA, BETA, MEAN, VARIANCE];
  assertClose((await run(erase(batchNormInference), data)).outputs[0], INFERRED);
  assertClose((await run(erase(batchNormInferenceRelu), data)).outputs[0], positive(INFERRED));
  const larger = [X, times4(GAMMA), times4(BETA), MEAN, VARIANCE];
  assertClose((await run(erase(batchNormInferenceRelu6), larger)).outputs[0], bounded(INFERRED));
  assertClose((await run(erase(batchNormInferenceAddRelu), [...data, R])).outputs[0], positive(sum(INFERRED, R)));
});

Deno.test("the gradients of batch norm are PyTorch's", async () => {
  const [, mean, inverseStd] = (await run(erase(batchNorm), [X, GAMMA, BETA, MEAN, VARIANCE])).outputs;
  // y = F.batch_norm(x, rm, rv, g, b, True); y.backward(dy); x.grad, g.grad, b.grad
  const plain = await run(batchNormGradient, [DY, X, [...mean], [...inverseStd], GAMMA]);
  // deno-fmt-ignore
  assertClose(plain.outputs[0], [0.2904733637, -1.2587179092, 1.0650690001, -0.0968244546, 0.2823710228, 0.0150746461,
    0.2114315119, -0.1256674934, -0.4841222728, 0.2904733637, -0.871420091, 1.0650690001, -0.4071517723, 0.0990651768,
    -0.2096580241, 0.1345349323]);
  assertClose(plain.outputs[1], [0, -8.7876098513]);
  assertClose(plain.outputs[2], [5, 3.75]);
  // the same with y = torch.relu(F.batch_norm(…))
  const masked = await run(batchNormReluGradient, [DY, positive(TRAINED), X, [...mean], [...inverseStd], GAMMA]);
  // deno-fmt-ignore
  assertClose(masked.outputs[0], [-0.0903696372, -0.9746993629, 1.2393534573, -0.1420081758, 0.2823710228, 0.0150746461,
    0.2114315119, -0.1256674934, -0.2001037264, 0.2388326304, 0.019364452, -0.0903696372, -0.4071517723, 0.0990651768,
    -0.2096580241, 0.1345349323]);
  assertClose(masked.outputs[1], [2.1946876366, -8.7876098513]);
  assertClose(masked.outputs[2], [1.5, 3.75]);
  // the same with y = F.relu6(F.batch_norm(…)), and gamma and beta times 4
  const between = await run(batchNormRelu6Gradient, [
    DY,
    bounded(TRAINED),
    X,
    [...mean],
    [...inverseStd],
    times4(GAMMA),
  ]);
  // deno-fmt-ignore
  assertClose(between.outputs[0], [-0.2581988897, -3.6147792925, 5.4221704879, -1.2909903176, 0.5092560672, -0.7347499561,
    1.3762632385, -0.9663220811, -0.5163967467, 0.5163946811, -0.0000010328, -0.2581988897, -1.4294663312, 0.5954014653,
    0.7408281923, -0.0912105949]);
  assertClose(between.outputs[1], [1.2909927274, -3.6147054024]);
  assertClose(between.outputs[2], [1, 0.25]);
  // y = F.batch_norm(x, rm, rv, g, b, False); y.backward(dy)
  const inferred = await run(erase(batchNormInferenceGradient), [DY, X, GAMMA, MEAN, VARIANCE]);
  // deno-fmt-ignore
  assertClose(inferred.outputs[0], [1.0606575201, -1.0606575201, 2.121315040, 0.5303287601, -0.3535498551, -0.7070997102,
    1.4141994204, -0.7070997102, 0, 1.0606575201, -0.5303287601, 2.121315040, -0.7070997102, 0.7070997102, -2.1212991307,
    -0.1767749276]);
  assertClose(inferred.outputs[1], [3.5355250671, -16.2632933352]);
  assertClose(inferred.outputs[2], [5, 3.75]);
});

/** The names of the ops that run: activation(norm(x)), or with a residual at the given side of the sum. */
async function planned(norm: Op, side?: "left" | "right", keep = false, activation = relu): Promise<string[]> {
  const backend = new CpuBackend(),
    graph = new Graph({ training: true }),
    one = { kind: "constant", value: 1 } as const;
  const x = graph.input("x", f32([2, 2, 2, 2])), residual = graph.input("r", f32([2, 2, 2, 2]));
  const channels = ["gamma", "beta", "mean", "variance"].map((name) => graph.state(name, f32([2]), one));
  const [y] = norm.apply(graph, [x, ...channels]);
  const outputs: Record<string, Value> = keep ? { kept: y } : {};
  const joined = side === undefined ? y : add.apply(graph, side === "left" ? [y, residual] : [residual, y])[0];
  outputs.y = activation.apply(graph, [joined])[0];
  const variables = new Map(channels.map(({ name, spec }) => [name, backend.allocate(spec)]));
  const { plan } = await compile(graph, backend, { outputs, variables });
  return plan.nodes.map(({ op }) => op.name);
}

Deno.test("compile() fuses batch norm with ReLU and ReLU6, and ReLU with a residual on either side of the sum", async () => {
  for (const norm of [erase(batchNorm), erase(batchNormInference)]) {
    assertEquals(await planned(norm), [`${norm.name}Relu`]);
    assertEquals(await planned(norm, undefined, false, relu6), [`${norm.name}Relu6`]);
    assertEquals(await planned(norm, "left"), [`${norm.name}AddRelu`]);
    assertEquals(await planned(norm, "right"), [`${norm.name}AddRelu`]);
  }
});

Deno.test("compile() leaves batch norm alone where its output is needed elsewhere", async () => {
  assert((await planned(erase(batchNorm), undefined, true)).includes("batchNorm"));
});
