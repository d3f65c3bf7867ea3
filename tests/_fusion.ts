/** Holds batch norm with an activation in one pass against the two ops, to the bit, kinks included. */

import { assertEquals } from "@std/assert";
import { type Backend, compile, elementCount, f32, Graph, type Op, Random, type Value } from "../core/mod.ts";
import { batchNorm, batchNormInference } from "../ops/mod.ts";

/** What lies at the kinks of ReLU and ReLU6, next to them, and beyond the finite numbers. */
const KINKS = [0, -0, 6, 6.0000005, 5.9999995, 1e-30, -1e-30, 7, -7, 3, 1e30, -1e30, Infinity, -Infinity, NaN, 2];
const SHAPE = [3, 2, 5, 7], CHANNELS = f32([2]);

/** A float32 as text that tells -0 from 0. */
const bits = (values: Float32Array | Uint32Array) => Array.from(values, (value) => Object.is(value, -0) ? "-0" : value);

/** Batch norm with running statistics that change nothing, so that the activation gets the {@link KINKS} as they are. */
export async function checkKinks(backend: Backend, activation: Op): Promise<void> {
  const graph = new Graph(), x = graph.input("x", f32([1, 1, 4, 4]));
  // A beta of -0 leaves the sign of zeros.
  const [one, zero, beta] = [1, 0, -0].map((value) => graph.constant(value, f32([1])));
  const [y] = batchNormInference.apply(graph, [x, one, beta, zero, one], { epsilon: 0 });
  const results = [];
  for (const fuse of [true, false]) {
    const outputs = { y: activation.apply(graph, [y])[0] };
    const program = await compile(graph, backend, { outputs, fuse, poison: true });
    assertEquals(program.plan.nodes.length, fuse ? 1 : 2);
    program.write("x", Float32Array.from(KINKS));
    program.run();
    results.push(bits(await program.read("y")));
    program.destroy();
  }
  assertEquals(results[0], results[1]);
  const ceiling = activation.name === "relu6" ? 6 : Infinity;
  const expected = KINKS.map((value) => Math.fround(Math.min(Math.max(value, 0), ceiling)) + 0);
  assertEquals(results[0].map((value) => Number(value) + 0), expected);
}

/** Batch norm in training, and its gradients. */
export async function checkTraining(backend: Backend, activation: Op): Promise<void> {
  const random = new Random(1, "fusion"), start = { kind: "constant", value: 1 } as const;
  const given = ["x", "dy"].map((name) =>
    [name, Float32Array.from({ length: elementCount(SHAPE) }, () => random.normal())] as const
  );
  const results = [];
  for (const fuse of [true, false]) {
    const graph = new Graph({ training: true }), x = graph.input("x", f32(SHAPE)), dy = graph.input("dy", f32(SHAPE));
    const gamma = graph.constant(6, CHANNELS), beta = graph.constant(1, CHANNELS);
    const running = ["mean", "variance"].map((name) => graph.state(name, CHANNELS, start));
    const norm = batchNorm.apply(graph, [x, gamma, beta, ...running]), [y] = activation.apply(graph, [norm[0]]);
    const [forward, last] = graph.nodes;
    const [between] = last.op.gradient!(graph, last, [dy]);
    const gradients = forward.op.gradient!(graph, forward, [between, undefined, undefined]) as Value[];
    const outputs = { y, dx: gradients[0], dGamma: gradients[1], dBeta: gradients[2] };
    const variables = new Map(running.map(({ name, spec }) => [name, backend.allocate(spec)]));
    const program = await compile(graph, backend, { outputs, variables, fuse, poison: true });
    assertEquals(program.plan.nodes.length, fuse ? 2 : 4);
    for (const [name, values] of given) program.write(name, values);
    program.run();
    results.push(await Promise.all(Object.keys(outputs).map(async (name) => bits(await program.read(name)))));
    program.destroy();
    for (const storage of variables.values()) storage.destroy();
  }
  assertEquals(results[0], results[1]);
}
