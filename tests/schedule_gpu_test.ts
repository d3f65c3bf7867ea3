/** What a step becomes on WebGPU: its dispatches, its one submit, its repetition to the bit, and what it prepares. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  compile,
  CpuBackend,
  elementKernel,
  f32,
  float,
  Graph,
  KernelPolicy,
  oneWay,
  type Op,
  type Program,
  WebGpuBackend,
} from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { relu } from "../ops/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { Trainer } from "../train/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { losses, SMALL, SMALL_BATCH, smallBatch } from "./_training.ts";

const resnet20 = cifarResNet({ depth: 20 }), MOST_DISPATCHES = 150;
/** That of the runs in `_run_bytes.ts`, whose shaders have the same shapes. */
const BATCH = 32;

/** A backend that takes the kernels of a hardware adapter. */
async function asHardware(): Promise<WebGpuBackend> {
  const backend = await WebGpuBackend.create();
  Object.defineProperty(backend, "policy", { value: new KernelPolicy({ ...backend.profile, kind: "hardware" }) });
  return backend;
}

gpuTest(
  "a step of ResNet-20 on a batch of 128 has fewer than 150 dispatches, on any kind of adapter",
  async (backend) => {
    const hardware = await asHardware();
    for (const each of [backend, hardware]) {
      const trainer = await Trainer.create({ model: resnet20, backend: each, batch: 128 }),
        { dispatches } = trainer.program;
      trainer.destroy();
      assert(dispatches < MOST_DISPATCHES, `${dispatches} dispatches`);
    }
    hardware.destroy();
  },
);

gpuTest("a step of ResNet-20 is one submit, and repeats to the bit", async (backend) => {
  const { images, labels } = smallBatch(resnet20, BATCH), { queue } = backend.device, submit = queue.submit;
  let submits = 0;
  const run = async () => {
    const trainer = await Trainer.create({ model: resnet20, backend, batch: BATCH, seed: 3 });
    queue.submit = (commands) => {
      submits++;
      submit.call(queue, commands);
    };
    for (let step = 0; step < 3; step++) trainer.step({ images, labels }, 0.1);
    queue.submit = submit;
    const results = await trainer.results();
    trainer.destroy();
    return results.map(({ loss }) => loss);
  };
  const first = await run();
  assertEquals(submits, 3);
  assert(first[2] > 0 && first[2] !== first[0], `${first}`);
  assertEquals(await run(), first);
});

gpuTest("the kernels of hardware adapters train as the CPU backend does", async () => {
  const backend = await asHardware();
  const actual = await losses(backend, SMALL, 3, 0.01), cpu = await losses(new CpuBackend(), SMALL, 3, 0.01);
  backend.destroy();
  cpu.forEach((loss, k) => assert(Math.abs(loss - actual[k]) < 1e-3 * loss, `step ${k + 1}: ${actual[k]} and ${loss}`));
});

gpuTest("kernels with functions of their own share a dispatch", async (backend) => {
  const scaling = (factor: number): Op => ({
    ...relu,
    webgpu: ({ inputs: [{ shape }] }) =>
      oneWay("scaling", ({ limits }) => [elementKernel(
        {
          count: shape[0],
          body: "y[i] = scale(x[i]);",
          declarations: `const FACTOR = ${float(factor)};\nfn scale(value: f32) -> f32 { return FACTOR * value; }`,
        },
        [{ name: "x", index: 0 }, { name: "y", index: 1, write: true }],
        limits,
      )]),
  });
  const graph = new Graph(), x = graph.input("x", f32([1001])), ops = [scaling(2), scaling(-3)];
  const values = ops.map((op) => {
    const [value] = relu.apply(graph, [x]);
    graph.nodes.push({ ...graph.nodes.pop()!, op });
    return value;
  });
  const program = await compile(graph, backend, { outputs: { a: values[0], b: values[1] }, poison: true });
  const data = Float32Array.from({ length: 1001 }, (_, i) => i - 500);
  program.write("x", data);
  program.run();
  assertEquals(program.dispatches, 1);
  assertEquals(await program.read("a"), data.map((value) => 2 * value));
  assertEquals(await program.read("b"), data.map((value) => -3 * value));
  program.destroy();
});

gpuTest("packed weights follow what a trainer or a write changes, as in a program compiled anew", async (backend) => {
  const { images, labels } = smallBatch(SMALL, SMALL_BATCH);
  const trainer = await Trainer.create({ model: SMALL, backend, batch: SMALL_BATCH });
  const logitsOf = async (program: Program) => {
    program.write("image", images);
    program.run();
    return await program.read("logits");
  };
  const fresh = async () => {
    const program = await compileInference(SMALL, backend, SMALL_BATCH, trainer.variables);
    const logits = await logitsOf(program);
    program.destroy();
    return logits;
  };
  const inference = await compileInference(SMALL, backend, SMALL_BATCH, trainer.variables);
  const first = await logitsOf(inference);
  assertEquals(await logitsOf(inference), first);
  trainer.step({ images, labels }, 0.1);
  const second = await logitsOf(inference);
  assertNotEquals(second, first);
  assertEquals(second, await fresh());
  const storage = trainer.variables.storages.get("layer1.0.conv1.weight")!;
  storage.write((await storage.read() as Float32Array).map((value) => -value));
  const third = await logitsOf(inference);
  assertNotEquals(third, second);
  assertEquals(third, await fresh());
  inference.destroy();
  trainer.destroy();
});
