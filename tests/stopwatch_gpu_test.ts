/** The tuner's clock on WebGPU: by timestamps and without, on devices whose clocks fall and on others. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { compile, f32, Graph, type Op, type WebGpuBackend } from "../core/mod.ts";
import { WebGpuExecutable } from "../core/webgpu/executable.ts";
import { Stopwatch } from "../core/webgpu/tuning/stopwatch.ts";
import { linear } from "../ops/mod.ts";
import { countTime, DISPATCH_SECONDS, readCountedTime } from "./_counted_time.ts";
import { gpuTest } from "./_gpu.ts";

/** A product that is computed so many times: a small one, since it is not the time of the device that counts. */
async function repeated(backend: WebGpuBackend, times: number): Promise<WebGpuExecutable> {
  const op: Op = {
    ...linear,
    webgpu: (node) => {
      const [first] = linear.webgpu!(node).variants(backend.profile);
      const kernels = Array.from({ length: times }, () => first.kernels).flat();
      return { variants: () => [{ ...first, kernels }], rules: [] };
    },
  };
  const graph = new Graph();
  const [y] = graph.apply(op, [graph.input("x", f32([6, 8])), graph.input("w", f32([5, 8]))]);
  const program = await compile(graph, backend, { outputs: { y } });
  if (program instanceof WebGpuExecutable) return program;
  throw new Error("Expected a program on WebGPU");
}

/** The part of a backend that a stopwatch uses, with other traits; counts what is submitted. */
function timedBackend(backend: WebGpuBackend, timing: { warmUp: number; keepBusy: number }, timestamps: boolean) {
  const { device } = backend, submits: number[] = [];
  const queue = {
    submit: (commands: GPUCommandBuffer[]) => {
      submits.push(commands.length);
      device.queue.submit(commands);
    },
  };
  const changed = new Proxy(device, {
    get(target, name) {
      if (name === "features" && !timestamps) return new Set();
      if (name === "queue") return queue;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const parts = {
    device: changed,
    policy: { timing },
    check: () => backend.check(),
    finish: () => backend.finish(),
    mapRead: (buffer: GPUBuffer) => backend.mapRead(buffer),
  };
  return { backend: parts as unknown as WebGpuBackend, submits };
}

gpuTest("Stopwatch times bursts on the clock of the device and of the host", async (backend) => {
  const programs = [await repeated(backend, 1), await repeated(backend, 8)];
  for (const timestamps of [true, false]) {
    const timed = timedBackend(backend, { warmUp: 0, keepBusy: 0 }, timestamps);
    const stopwatch = new Stopwatch(timed.backend, (candidate) => programs[candidate]);
    assertEquals(stopwatch.burstSeconds, timestamps ? 5e-3 : 0.1);
    const seconds = await stopwatch.time([0, 1, 0].map((candidate) => ({ candidate, runs: 100 })));
    assertEquals([seconds.length, seconds.every((each) => each > 0 && each < 10)], [3, true], `${seconds}`);
  }
  for (const program of programs) program.destroy();
});

for (const [how, timestamps] of [["timestamps", true], ["the clock", false]] as const) {
  gpuTest(`Stopwatch says by ${how} what a run takes`, async (backend) => {
    const programs = [await repeated(backend, 1), await repeated(backend, 8)];
    using time = countTime(backend.device);
    using _now = timestamps ? undefined : readCountedTime(time);
    const timed = timedBackend(backend, { warmUp: 0, keepBusy: 0 }, timestamps);
    const stopwatch = new Stopwatch(timed.backend, (candidate) => programs[candidate]);
    await stopwatch.time([{ candidate: 0, runs: 1 }, { candidate: 1, runs: 1 }]);
    assertEquals([stopwatch.mostRuns(0), stopwatch.mostRuns(1)], [1024, 128]);
    const seconds = await stopwatch.time(
      [[0, 100], [1, 100], [0, 7]].map(([candidate, runs]) => ({ candidate, runs })),
    );
    // Timestamps are read at the rate of this device's ticks, which is measured once.
    const dispatch = timestamps ? seconds[0] : DISPATCH_SECONDS;
    for (const [k, dispatches] of [1, 8, 1].entries()) {
      assertAlmostEquals(seconds[k], dispatches * dispatch, 1e-6 * dispatch, `${seconds}`);
    }
    for (const program of programs) program.destroy();
  });
}

gpuTest("Stopwatch keeps a device at work before a timing and behind it, where its clocks fall", async (backend) => {
  const program = await repeated(backend, 1);
  using _time = countTime(backend.device);
  const still = timedBackend(backend, { warmUp: 0, keepBusy: 0 }, true);
  const submitsOf = async ({ backend, submits }: typeof still) => {
    const stopwatch = new Stopwatch(backend, () => program), bursts = [{ candidate: 0, runs: 10 }];
    // The first timing of a device finds out what a tick is.
    await stopwatch.time(bursts);
    await new Promise((resolve) => setTimeout(resolve, 100));
    submits.length = 0;
    await stopwatch.time(bursts);
    return submits.length;
  };
  assertEquals(await submitsOf(still), 1);
  // A burst of work or more before, and work behind each.
  const submits = await submitsOf(timedBackend(backend, { warmUp: 0.02, keepBusy: 0.01 }, true));
  assert(submits >= 4 && submits % 2 === 0, `${submits}`);
  await backend.finish();
  program.destroy();
});

gpuTest("Stopwatch keeps a device at work while others are compiled, until it is told to end", async (backend) => {
  const program = await repeated(backend, 1),
    { backend: falls, submits } = timedBackend(
      backend,
      { warmUp: 0.02, keepBusy: 0.01 },
      true,
    );
  const stopwatch = new Stopwatch(falls, () => program);
  await stopwatch.time([{ candidate: 0, runs: 10 }]);
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const before = submits.length, stop = stopwatch.keepWarm(program);
  // It goes on for as long as it is let, so that sooner or later there are as many, however busy the machine is.
  for (let k = 0; k < 6000 && submits.length < before + 8; k++) await pause(10);
  await stop();
  const after = submits.length;
  assert(after >= before + 8, `${after - before}`);
  await pause(200);
  assertEquals(submits.length, after);
  await backend.finish();
  program.destroy();
});

gpuTest("Stopwatch with one program at a time asks for each in its turn", async (backend) => {
  const program = await repeated(backend, 1), asked: number[] = [];
  const timed = timedBackend(backend, { warmUp: 0, keepBusy: 0 }, true);
  const stopwatch = new Stopwatch(timed.backend, (candidate) => {
    asked.push(candidate);
    return program;
  }, true);
  await stopwatch.time([{ candidate: 0, runs: 1 }]);
  for (const list of [asked, timed.submits]) list.length = 0;
  const seconds = await stopwatch.time([0, 1, 1, 0].map((candidate) => ({ candidate, runs: 2 })));
  assertEquals([asked, timed.submits.length, seconds.length], [[0, 1, 1, 0], 4, 4]);
  program.destroy();
});
