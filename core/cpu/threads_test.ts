import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { withFastTicks } from "../../tests/_fast_ticks.ts";
import { DeviceError } from "../util/errors.ts";
import { compileKernels, type CpuKernels } from "./kernels.ts";
import { CpuMemory } from "./memory.ts";
import { Threads } from "./threads.ts";
import { startWorker } from "./worker.ts";

/** A program of one stage: a kernel, and how many tasks it has. */
function program(memory: CpuMemory, kernel: number, tasks: number): number {
  const { address } = memory.allocate(64);
  new Int32Array(memory.memory.buffer, address, 3).set([kernel, tasks, address]);
  return address;
}

Deno.test("run() ends with an error, not a hang, if a kernel traps on any thread", async () => {
  const memory = new CpuMemory(), threads = await Threads.create(memory, compileKernels(), 3);
  const noSuchKernel = program(memory, 9999, 100);
  assertThrows(() => threads.run(noSuchKernel, 1), DeviceError, "A thread of the CPU backend died");
  assertThrows(
    () => threads.run(noSuchKernel, 1),
    DeviceError,
    "if that happens again, use fewer `threads`",
  );
  threads.close();
});

Deno.test("run() ends with an error, not a hang, if a thread does not answer", () => {
  const memory = new CpuMemory(), threads = new Threads(memory, compileKernels(), 2, { stallTimeout: 0.2 });
  assertThrows(() => threads.run(program(memory, 0, 0), 1), DeviceError, "it did not go on with its work");
});

/** The kernels, but for workers: these get another module. */
function kernelsForCallerOnly(module: readonly number[]): CpuKernels {
  const { build, module: own } = compileKernels(), magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  let reads = 0;
  return {
    build,
    get module() {
      return reads++ === 0 ? own : new WebAssembly.Module(Uint8Array.of(...magic, ...module));
    },
  };
}

/** The body of a function: a local number, and a loop that adds one until it is 0. */
const COUNT_UP = [1, 1, 0x7f, 3, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x0d, 0, 11, 11];

Deno.test("create() ends with advice if a thread cannot start, or never does", async () => {
  // A function of type () -> () that is imported as "a" "f", and one that runs at the start, for some seconds: it counts up
  // until its number wraps. Not for ever, since a worker that is terminated in a loop goes on in it.
  const imports = [1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x66, 0, 0];
  const loops = [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 18, 1, 16, ...COUNT_UP];
  for (const [module, reason] of [[imports, "TypeError: "], [loops, "it was not ready after 5 seconds"]] as const) {
    const create = () => Threads.create(new CpuMemory(), kernelsForCallerOnly(module), 3, { stallTimeout: 5 });
    const error = await assertRejects(
      () => module === loops ? withFastTicks(Promise.resolve(), create) : create(),
      DeviceError,
    );
    const { message } = error;
    assert(message.startsWith(`Thread 2 of 3 of the CPU backend did not start (${reason}`), message);
    assert(message.endsWith("); use fewer `threads`"), message);
  }
});

Deno.test("a worker that ends is reported", async () => {
  const memory = new CpuMemory(), { module } = compileKernels(), { address: control } = memory.allocate(512);
  const reason = Promise.withResolvers<string>();
  const start = { module, memory: memory.memory, control, failed: control + 320, thread: 1 };
  (await startWorker(start, reason.resolve)).terminate();
  assertEquals(await reason.promise, "it ended");
});

Deno.test("a finished process ends although its backend was not destroyed", async () => {
  const script = `import { CpuBackend } from "${new URL("../mod.ts", import.meta.url)}";
    const backend = await CpuBackend.create({ threads: 2 });
    console.log(backend.description.includes("2 threads"));`;
  const { stdout, code } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", script],
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals([new TextDecoder().decode(stdout).trim(), code], ["true", 0]);
});
