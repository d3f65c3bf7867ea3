/** Dispatches on WebGPU: their times, and ops that are done together. */

import { assert, assertEquals } from "@std/assert";
import {
  type Backend,
  compile,
  countDispatches,
  countShaders,
  CpuBackend,
  DEFAULT_PROFILE,
  f32,
  Graph,
  KernelPolicy,
  Random,
  type Storage,
  WebGpuBackend,
} from "../core/mod.ts";
import { cifarResNet, mobileNetV2 } from "../models/mod.ts";
import { add, relu, sgdUpdate } from "../ops/mod.ts";
import { adamwOptimizer, recordUpdates, Trainer } from "../train/mod.ts";
import { Variables } from "../weights/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { checkProfiledRun } from "./_profile.ts";

gpuTest("profile() times each dispatch in its order and runs the step", async (backend) => {
  if (!backend.device.features.has("timestamp-query")) return;
  const graph = new Graph(), x = graph.input("x", f32([3, 1000]));
  const [y] = relu.apply(graph, add.apply(graph, [x, x]));
  const program = await compile(graph, backend, { outputs: { y } });
  program.write("x", new Float32Array(3000).fill(2));
  const times = await program.profile();
  assertEquals(times.map(({ op }) => op), ["add", "relu"]);
  assertEquals(times.map(({ cost }) => cost.flops), [3000, 3000]);
  for (const { seconds } of times) assert(seconds > 0 && seconds < 10, `${seconds} s`);
  assertEquals((await program.read("y"))[2999], 4);
  program.destroy();
});

gpuTest(
  "profile() times more dispatches than a query set holds, in their order, and tells what the host did",
  async (backend) => {
    if (!backend.device.features.has("timestamp-query")) return;
    const count = 2100, graph = new Graph(), x = graph.input("x", f32([1]));
    let y = x;
    for (let k = 0; k < count; k++) [y] = add.apply(graph, [y, x]);
    const program = await compile(graph, backend, { outputs: { y } }), spans: string[] = [];
    program.write("x", new Float32Array([1]));
    const before = performance.now() / 1000;
    const times = await program.profile({ host: (what, from, to) => from <= to && spans.push(what) });
    assertEquals(times.length, count);
    times.forEach(({ start, seconds }, index) => {
      assert(seconds >= 0 && start >= before, `dispatch ${index} began at ${start} and took ${seconds} s`);
      if (index > 0) assert(start >= times[index - 1].start, `dispatch ${index} began before the one before it`);
    });
    assert(times[count - 1].start <= performance.now() / 1000, "the last dispatch begins after all is over");
    assertEquals(spans, ["encode", "submit", "wait for the device"]);
    assertEquals((await program.read("y"))[0], count + 1);
    program.destroy();
  },
);

gpuTest("fit() profiles steps on WebGPU without changing a bit", async (backend) => {
  if (!backend.device.features.has("timestamp-query")) return;
  await checkProfiledRun(backend, { augmentation: { padding: 1, flip: true, mixup: 0.4 } });
});

gpuTest("measurePeaks() is finite, and above nothing", async (backend) => {
  if (!backend.device.features.has("timestamp-query")) return;
  const { flops, bytes } = await backend.measurePeaks();
  assert(flops > 1e7 && flops < 1e16, `${flops} operations a second`);
  assert(bytes > 1e6 && bytes < 1e14, `${bytes} bytes a second`);
});

gpuTest("countDispatches() and countShaders() are what a program has, and need no device", async () => {
  for (
    const model of [
      cifarResNet({ depth: 8, inputShape: [3, 8, 8] }),
      mobileNetV2({ inputShape: [3, 32, 32], classes: 4, width: 0.25 }),
    ]
  ) {
    const backend = await WebGpuBackend.create(), { device } = backend, create = device.createShaderModule.bind(device);
    const compiled: string[] = [];
    device.createShaderModule = (descriptor) => {
      compiled.push(descriptor.code);
      return create(descriptor);
    };
    const trainer = await Trainer.create({ model, backend, batch: 2 }), { plan, dispatches } = trainer.program;
    assertEquals(countDispatches(plan, backend.profile), dispatches);
    assert(countDispatches(plan, DEFAULT_PROFILE) > 0);
    const characters = compiled.reduce((sum, { length }) => sum + length, 0);
    assertEquals(countShaders(plan, backend.profile), { shaders: compiled.length, characters });
    trainer.destroy();
    backend.destroy();
  }
});

gpuTest("updates done together are those done one by one, with sizes in the text and in a uniform", async (backend) => {
  await checkUpdates(backend);
  const hardware = await WebGpuBackend.create();
  Object.defineProperty(hardware, "policy", { value: new KernelPolicy({ ...hardware.profile, kind: "hardware" }) });
  assert(hardware.policy.mergeShape.uniform);
  await checkUpdates(hardware);
  hardware.destroy();
});

async function checkUpdates(backend: WebGpuBackend): Promise<void> {
  const shapes = Array.from({ length: 37 }, (_, k) => [k % 5 + 1, 3 * k + 1]), random = new Random(5, "together");
  const graph = new Graph(), rate = graph.input("rate", f32([]));
  const storages = new Map<string, Storage>(), expected = new Map<string, Float32Array>();
  const state = (name: string, shape: number[]) => {
    const value = graph.state(name, f32(shape), { kind: "constant", value: 0 });
    const data = Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal());
    storages.set(name, backend.allocate(value.spec));
    storages.get(name)!.write(data);
    return { value, data };
  };
  shapes.forEach((shape, k) => {
    const [p, v, g] = ["p", "v", "g"].map((name) => state(`${name}${k}`, shape));
    const weightDecay = k % 3 === 0 ? 0.25 : 0;
    sgdUpdate.apply(graph, [p.value, v.value, g.value, rate], { momentum: 0.5, weightDecay });
    expected.set(`p${k}`, p.data.map((x, i) => x - 0.5 * (0.5 * v.data[i] + g.data[i] + weightDecay * x)));
  });
  const program = await compile(graph, backend, { variables: storages });
  program.write("rate", new Float32Array([0.5]));
  program.run();
  assert(program.dispatches < shapes.length / 2, `${program.dispatches} dispatches`);
  for (const [name, data] of expected) {
    const actual = await storages.get(name)!.read();
    data.forEach((x, i) => assert(Math.abs(x - actual[i]) < 1e-5, `${name}[${i}] is ${actual[i]}, expected ${x}`));
  }
  program.destroy();
  for (const storage of storages.values()) storage.destroy();
}

gpuTest("AdamW's updates of many parameters share dispatches, and are those of the CPU", async (backend) => {
  const gpu = await adamwSteps(backend), cpu = await adamwSteps(new CpuBackend());
  assert(gpu.dispatches < gpu.after.size / 6, `${gpu.dispatches} dispatches for ${gpu.after.size} variables`);
  for (const [name, { data }] of cpu.after) {
    data.forEach((x, i) => {
      const actual = gpu.after.get(name)!.data[i];
      assert(Math.abs(x - actual) < 1e-5, `${name}[${i}] is ${actual}, expected ${x}`);
    });
  }
});

/** Three steps of AdamW on 37 parameters. */
async function adamwSteps(backend: Backend) {
  const graph = new Graph({ training: true }), random = new Random(6, "adamw"), variables = new Variables();
  const parameters = Array.from({ length: 37 }, (_, k) => ({
    parameter: graph.parameter(`p${k}`, f32([k % 5 + 1, 3 * k + 1]), { kind: "constant", value: k }),
    gradient: graph.input(`g${k}`, f32([k % 5 + 1, 3 * k + 1])),
  }));
  recordUpdates(graph, adamwOptimizer({ weightDecay: 0.1 }), parameters, [], {});
  variables.add(graph, backend, 0);
  const program = await compile(graph, backend, { variables: variables.storages });
  program.write("learningRate", Float32Array.of(0.01));
  for (let step = 0; step < 3; step++) {
    for (const { gradient: { name, spec: { shape } } } of parameters) {
      program.write(name, Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal()));
    }
    program.run();
  }
  const after = await variables.read(true), { dispatches } = program;
  program.destroy();
  variables.destroy();
  return { after, dispatches };
}
