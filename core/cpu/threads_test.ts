import { assertEquals, assertThrows } from "@std/assert";
import { DeviceError } from "../util/errors.ts";
import { compileKernels } from "./kernels.ts";
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
