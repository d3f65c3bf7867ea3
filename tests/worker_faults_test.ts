/**
 * Threads of the CPU backend and workers that prepare images, which die, hang or run out of memory in the middle of a run: it
 * ends in one sentence, its files are whole, and it goes on to the very bytes of a run that was not disturbed.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CpuBackend, DeviceError, OutOfMemoryError } from "../core/mod.ts";
import { compileKernels } from "../core/cpu/kernels.ts";
import { CpuMemory } from "../core/cpu/memory.ts";
import { Threads } from "../core/cpu/threads.ts";
import { fit, RunFolder } from "../train/mod.ts";
import type { WorkerRequest } from "../images/worker_messages.ts";
import { decodeCheckpoint } from "../weights/mod.ts";
import { ALL, testWhole } from "./_all.ts";
import { besideFewSteps, withFolder } from "./_cli.ts";
import { withFastTicks } from "./_fast_ticks.ts";
import { writeImages } from "./_image_files.ts";
import { runInProcess } from "./_in_process.ts";
import { MemoryStore, randomSet, shortRun } from "./_runs.ts";
import { assertSame } from "./_same.ts";

/** The word of the block by which threads are led that holds their number. */
const THREADS = 272 / 4;
const FILES = ["last.safetensors", "best.safetensors"];

/** What a fault may disturb. */
interface Parts {
  readonly memory: CpuMemory;
  readonly threads: Threads;
  /** Has every stage wait for a third thread, which nobody has started. */
  readonly lackThread: () => void;
}

/** Trains what is left of a run on two threads; `watch` may disturb them after a step. */
async function train(store: MemoryStore, watch: (step: number, parts: Parts) => void = () => {}): Promise<void> {
  const memory = new CpuMemory(), kernels = compileKernels(), allocate = memory.allocate.bind(memory);
  let control: number | undefined;
  memory.allocate = (size) => {
    const block = allocate(size);
    // The first is the block by which threads are led.
    control ??= block.address;
    return block;
  };
  const threads = await Threads.create(memory, kernels, 2, { stallTimeout: 0.3 });
  const lackThread = () => void (new Int32Array(memory.memory.buffer, control!)[THREADS] = 3);
  using backend = new CpuBackend(memory, threads, kernels.build);
  const folder = new RunFolder(store), initial = await folder.resume();
  await fit({
    ...shortRun(randomSet(19)),
    epochs: 2,
    backend,
    checkpoints: { steps: 2 },
    folder,
    initial,
    progress: initial?.info.progress,
    onStep: ({ step }) => watch(step, { memory, threads, lackThread }),
  });
}

Deno.test("a thread that dies, hangs or lacks memory ends the run, which goes on with the same bytes", async () => {
  const whole = new MemoryStore();
  await train(whole);
  const faults: Record<string, { readonly says: string; readonly happen: (parts: Parts) => void }> = {
    "a thread traps": {
      says: "A thread of the CPU backend died (",
      happen: ({ memory, threads }) => {
        const { address } = memory.allocate(64);
        new Int32Array(memory.memory.buffer, address, 3).set([9999, 100, address]);
        try {
          threads.run(address, 1);
        } catch {
          // The next step meets the dead thread.
        }
      },
    },
    "a thread does not answer": {
      says: "A thread of the CPU backend died (it did not go on with its work)",
      happen: ({ lackThread }) => lackThread(),
    },
    "no memory is left": {
      says: "there is no room",
      happen: ({ memory, threads }) => {
        memory.allocate = () => {
          throw new OutOfMemoryError("there is no room", 0);
        };
        threads.reserveScratch(1 << 30);
      },
    },
  };
  for (const [name, { says, happen }] of Object.entries(faults)) {
    // Before the first checkpoint, between two, and in the last epoch.
    for (const at of ALL ? [1, 3, 5] : [3]) {
      const store = new MemoryStore(), about = `${name}, at step ${at}`;
      const failing = train(store, (step, parts) => step === at && happen(parts));
      const error = await failing.then(() => undefined, (thrown) => thrown);
      assert(error instanceof DeviceError, `${about}: ${error?.stack}`);
      assertStringIncludes(error.message, says, about);
      assertStringIncludes(error.message, "go on from the last checkpoint with `progress`", about);
      assert(!error.message.includes("\n"), about);
      for (const file of FILES) {
        const bytes = store.files.get(file);
        if (bytes !== undefined) decodeCheckpoint(bytes as Uint8Array<ArrayBuffer>, file);
      }
      await train(store);
      for (const file of FILES) assertSame(store.files.get(file), whole.files.get(file), `${file}: ${about}`);
      assertEquals(store.metrics, whole.metrics, about);
    }
  }
});

/** Replaces workers by some that are disturbed: `disturb` gets each message that asks one for images, and its number. */
function disturbWorkers(disturb: (worker: Worker, message: number) => boolean): Disposable {
  const Original = globalThis.Worker;
  let messages = 0;
  globalThis.Worker = class extends Original {
    override postMessage(message: WorkerRequest): void {
      if (message.kind !== "fill" || !disturb(this, ++messages)) super.postMessage(message);
    }
  };
  return { [Symbol.dispose]: () => void (globalThis.Worker = Original) };
}

/** What may happen to a worker, which then hangs or not. */
interface WorkerFault {
  readonly says: RegExp;
  readonly hangs?: boolean;
  /** Gives whether the message that it was sent is lost. */
  readonly happen: (worker: Worker) => boolean;
}

const WORKER_FAULTS: Record<string, WorkerFault> = {
  "it is gone": {
    says: /The workers that prepare images have done nothing for 600 seconds, so one has died or its disk hangs;/,
    hangs: true,
    happen: (worker) => {
      worker.terminate();
      return false;
    },
  },
  "it does not hear": {
    says: /The workers that prepare images have done nothing for 600 seconds, so one has died or its disk hangs;/,
    hangs: true,
    happen: () => true,
  },
  "it throws": {
    says: /A worker that prepares images has stopped \(out of memory\); if that happens again, use fewer --workers;/,
    happen: (worker) => worker.dispatchEvent(new ErrorEvent("error", { message: "out of memory", cancelable: true })),
  },
  "what it says cannot be read": {
    says: /A worker that prepares images has stopped \(what it said cannot be read\);/,
    happen: (worker) => worker.dispatchEvent(new MessageEvent("messageerror")),
  },
};

testWhole(
  "a worker that dies or hangs ends the command, and --resume ends with the same bytes",
  () =>
    withFolder(async (folder) => {
      const data = `${folder}/data`, options = ["--data", data, "--size", "9", "--model", "resnet8", "--batch", "5"];
      await writeImages(data, 6);
      const start = (out: string) => [
        ...["train", ...options, "--epochs", "2", "--workers", "2", "--backend", "cpu", "--threads", "1"],
        ...["--checkpoint-steps", "1", "--no-progress", "--out", `${folder}/${out}`],
      ];
      const files = (out: string) => Promise.all(FILES.map((name) => Deno.readFile(`${folder}/${out}/${name}`)));
      let count = 0;
      {
        using _ = disturbWorkers((_, message) => (count = message, false));
        const { code, stderr } = await runInProcess(start("whole"));
        assertEquals([code, besideFewSteps(stderr)], [0, ""]);
      }
      const whole = await files("whole");
      for (const [index, [name, { says, hangs = false, happen }]] of Object.entries(WORKER_FAULTS).entries()) {
        if (!ALL && index % 2 === 0) continue;
        // From the first batch to the last.
        const out = `fault${index}`, at = 1 + Math.floor(index / 3 * (count - 1)), hung = Promise.withResolvers<void>();
        {
          using _ = disturbWorkers((worker, message) => {
            if (message !== at) return false;
            setTimeout(hung.resolve);
            return happen(worker);
          });
          const begin = () => runInProcess(start(out));
          // Workers that are started after a fault have time to do so.
          const { code, stderr } = await (hangs ? withFastTicks(hung.promise, begin) : begin());
          const error = besideFewSteps(stderr).replace(/\n {2}(?! )/g, " ");
          assert(says.test(error), `${name}: ${error}`);
          assertEquals([code, error.split("\n").length], [1, 2], name);
          // While the images are measured there is no run yet.
          if (index > 0) assertStringIncludes(error, "go on from the last checkpoint with --resume\n", error);
        }
        const again = index > 0 ? ["train", "--resume", `${folder}/${out}`, "--no-progress"] : start(out);
        const { code, stderr } = await runInProcess(again);
        assertEquals([code, besideFewSteps(stderr)], [0, ""], name);
        assertSame(await files(out), whole, name);
      }
    }),
);
