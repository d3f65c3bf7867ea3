import { assert, assertEquals } from "@std/assert";
import { compile, CpuBackend, f32, Graph } from "../core/mod.ts";
import { dropout } from "./dropout.ts";

/** The outputs of several steps on an input of ones, and the counter after them. */
async function steps(count: number, { rate = 0.2, start = 0, seed = 0.3, size = 10_000 } = {}) {
  const backend = new CpuBackend(),
    graph = new Graph({ training: true }),
    zero = { kind: "constant", value: 0 } as const;
  const states = ["step", "seed"].map((name) => graph.state(name, f32([]), zero));
  const [output] = dropout.apply(graph, [graph.input("x", f32([size])), ...states], { rate });
  const variables = new Map(states.map(({ name, spec }) => [name, backend.allocate(spec)]));
  variables.get("step")!.write(Float32Array.of(start));
  variables.get("seed")!.write(Float32Array.of(seed));
  const program = await compile(graph, backend, { outputs: { output }, variables });
  program.write("x", new Float32Array(size).fill(1));
  const outputs: Float32Array[] = [];
  for (let k = 0; k < count; k++) {
    program.run();
    outputs.push(await program.read("output") as Float32Array);
  }
  return { outputs, step: (await variables.get("step")!.read())[0] };
}

const share = (values: Float32Array) => values.filter((value) => value !== 0).length / values.length;

Deno.test("dropout() keeps the share and the mean of the elements", async () => {
  for (const rate of [0.2, 0.5, 0.9]) {
    for (const output of (await steps(3, { rate })).outputs) {
      assert(Math.abs(share(output) - (1 - rate)) < 0.02, `${rate}: ${share(output)}`);
      assert(output.every((value) => value === 0 || value === Math.fround(1 / (1 - rate))));
    }
  }
});

Deno.test("dropout() drops other elements in each step and with each seed, and the same ones again", async () => {
  const { outputs: [first, second], step } = await steps(2);
  assertEquals(step, 2);
  assertEquals((await steps(1, { start: 1 })).outputs[0], second);
  const other = (await steps(1, { seed: 0.3000001 })).outputs[0];
  // Independent masks agree in 0.8² + 0.2² of the elements.
  for (const mask of [second, other]) {
    const equal = first.filter((value, i) => value === mask[i]).length / first.length;
    assert(Math.abs(equal - 0.68) < 0.02, `${equal}`);
  }
});
