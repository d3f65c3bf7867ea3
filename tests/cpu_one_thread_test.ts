/** The CPU backend where there is no shared memory or no worker: one thread, the same bits, and a description that says why. */

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Trainer } from "../train/mod.ts";
import { type Backend, compile, CpuBackend, f32, Graph, listOps, Random } from "../core/mod.ts";
import { relu } from "../ops/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { smallBatch } from "./_training.ts";
import { unsharedBackend } from "./_unshared.ts";

const model = cifarResNet({ depth: 8, inputShape: [3, 13, 13], classes: 7 });

/** The bits of all variables after some steps, with memory that grows in between. */
async function bitsAfterSteps(backend: Backend, grow: () => void): Promise<Uint32Array[]> {
  const { images, labels } = smallBatch(model, 5);
  const trainer = await Trainer.create({ model, backend, batch: 5, seed: 6 });
  for (let step = 0; step < 3; step++) {
    trainer.step({ images, labels }, 0.05);
    grow();
  }
  assertEquals((await trainer.results()).length, 3);
  const variables = await trainer.variables.read(true);
  trainer.destroy();
  return [...variables.values()].map(({ data }) => new Uint32Array(data.buffer));
}

for (const build of ["relaxed SIMD", "SIMD"] as const) {
  Deno.test(`memory that is not shared gives the same bits, also after it has grown (${build})`, async () => {
    const { backend, memory } = unsharedBackend(build);
    assert(!(memory.memory.buffer instanceof SharedArrayBuffer));
    const before = memory.memory.buffer;
    const bits = await bitsAfterSteps(backend, () => memory.allocate(memory.memory.buffer.byteLength));
    assert(before.byteLength === 0, "the memory did not grow, so this test shows nothing");
    const shared = await CpuBackend.create({ threads: 2, build });
    assertEquals(bits, await bitsAfterSteps(shared, () => {}));
    shared.destroy();
    backend.destroy();
  });
}

Deno.test("stages in TypeScript, outputs and scalars survive the growth of memory that is not shared", async () => {
  const { backend, memory } = unsharedBackend(), random = new Random(3, "values"), graph = new Graph();
  const op = listOps().find(({ name }) => name === "topKCorrect")!, [sample] = op.samples();
  const inputs = sample.inputs.map((spec, k) => graph.input(`${k}`, spec));
  const [count] = graph.apply(op, inputs, sample.attributes), [y] = relu.apply(graph, [graph.input("x", f32([3, 7]))]);
  const program = await compile(graph, backend, { outputs: { count, y } });
  memory.allocate(memory.memory.buffer.byteLength);
  const x = Float32Array.from({ length: 21 }, () => random.normal());
  const data = sample.inputs.map(({ shape, dtype }) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    return dtype === "f32" ? Float32Array.from({ length }, () => random.normal()) : new Uint32Array(length);
  });
  sample.fill?.(data, random);
  data.forEach((array, k) => program.write(`${k}`, array));
  program.write("x", x);
  program.run();
  assertEquals(await program.read("y"), x.map((value) => Math.max(value, 0)));
  const arrays = [...data.map((array) => Float64Array.from(array)), new Float64Array(1)];
  op.reference(graph.nodes[0])(arrays);
  assertEquals((await program.read("count"))[0], arrays.at(-1)![0]);
  program.destroy();
  backend.destroy();
});

const core = new URL("../core/mod.ts", import.meta.url);

/** What a process prints whose globals were changed first. */
async function inProcess(change: string, script: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", `${change};\nconst { CpuBackend } = await import("${core}");\n${script}`],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    signal: AbortSignal.timeout(30_000),
  }).output();
  return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
}

const DESCRIBE = `const backend = await CpuBackend.create({ threads: 3 });
console.log(backend.description);
const { flops, bytes } = await backend.measurePeaks();
console.log(flops > 1e6 && bytes > 1e6);
backend.destroy();`;

Deno.test("one thread runs where the engine shares no memory, whatever was asked for, and the description says why", async () => {
  assertEquals(
    await inProcess("delete globalThis.SharedArrayBuffer", DESCRIBE),
    "CPU, WebAssembly relaxed SIMD, 1 thread (this page may not share memory: it is not cross-origin isolated)\ntrue",
  );
});

Deno.test("one thread runs where there are no workers", async () => {
  assertEquals(
    await inProcess("delete globalThis.process; delete globalThis.Worker", DESCRIBE),
    "CPU, WebAssembly relaxed SIMD, 1 thread (there are no workers here)\ntrue",
  );
});

Deno.test("one thread runs where workers do not start, unless several were asked for", async () => {
  const refuse = `delete globalThis.process;
globalThis.Worker = class { constructor() { throw new Error("blob: is forbidden here"); } }`;
  const script = `const backend = await CpuBackend.create();
console.log(backend.description);
await CpuBackend.create({ threads: 3 }).catch(({ name, message }) => console.log(name, message));`;
  assertEquals(
    await inProcess(`Object.defineProperty(navigator, "hardwareConcurrency", { value: 3 }); ${refuse}`, script),
    "CPU, WebAssembly relaxed SIMD, 1 thread (workers do not start here)\n" +
      "DeviceError Thread 2 of 3 of the CPU backend did not start (blob: is forbidden here); use fewer `threads`",
  );
});

Deno.test("the web's workers run as Node's do", async () => {
  assertEquals(
    await inProcess("delete globalThis.process", DESCRIBE),
    "CPU, WebAssembly relaxed SIMD, 3 threads\ntrue",
  );
});
