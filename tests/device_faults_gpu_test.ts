/**
 * A device that fails in any way, at any moment of a run: the run ends in one sentence, its files are whole, and it goes on
 * on another device to the very bytes of a run that was not disturbed.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { classifierHead, convNorm } from "../blocks/mod.ts";
import { DeviceError, type TunedChoice, WebGpuBackend } from "../core/mod.ts";
import { sequential } from "../models/mod.ts";
import { fit, type FitOptions, RunFolder } from "../train/mod.ts";
import { decodeCheckpoint } from "../weights/mod.ts";
import { ALL } from "./_all.ts";
import { type Asked, type Fault, type FaultKind, FAULTS, plantFault } from "./_faulty_device.ts";
import { withFastTicks } from "./_fast_ticks.ts";
import { gpuTest } from "./_gpu.ts";
import { MemoryStore, randomSet } from "./_runs.ts";

const set = randomSet(19);
/** Of few kernels, since each device compiles its own. */
const model = sequential({
  name: "tiny",
  classes: 3,
  inputShape: set.shape,
  layers: [
    { name: "stem", block: convNorm({ conv: "conv1", norm: "bn1", channels: 5, activation: "relu" }) },
    { name: "fc", block: classifierHead("fc", 3) },
  ],
});

/** Trains what is left of a run, as the command line does. */
async function train(store: MemoryStore, backend: WebGpuBackend, options: Partial<FitOptions> = {}): Promise<void> {
  const folder = new RunFolder(store), initial = await folder.resume();
  await fit({
    model,
    backend,
    set,
    batch: 6,
    epochs: 2,
    rate: 0.02,
    checkpoints: { steps: 2 },
    augmentation: { padding: 1, flip: true },
    folder,
    initial,
    progress: initial?.info.progress,
    ...options,
  });
}

/** Trains on a device of its own. */
async function trainAlone(store: MemoryStore, options?: Partial<FitOptions>): Promise<void> {
  const backend = await WebGpuBackend.create();
  try {
    await train(store, backend, options);
  } finally {
    backend.destroy();
  }
}

/** What each fault is called, where it does not go by the moment. */
const SENTENCES: Readonly<Record<FaultKind, RegExp>> = {
  "lost at a submit": /^The GPU device was lost \(/,
  "lost at a map": /^The GPU device was lost \(/,
  "lost at a pipeline": /^The GPU device was lost \(/,
  "lost at a buffer": /^The GPU device was lost \(/,
  "no memory for a buffer": /for which the GPU has no memory left beside the \d+ MiB in use|^tiny cannot be trained on/,
  "a pipeline is refused": /^The GPU's driver did not build the kernel of [^:]+: too many registers; if/,
  "a driver's error in a pipeline": /^The GPU's driver did not build the kernel of [^:]+: the compiler crashed; if/,
  "a pipeline is invalid, as its scope says":
    /^The GPU's driver did not build the kernel of [^:]+: the pipeline is invalid; if/,
  "a mapping fails": /^Reading from the GPU failed: it went wrong; if/,
  "a mapping never ends": /^The GPU .* has not answered for \d+ seconds, so its driver seems to hang;/,
};

/** Where in a run faults are tried. */
const MOMENTS = [0, 0.3, 0.5, 0.8, 1];

/** A covering set of faults: each kind, at each moment that calls of its kind have. */
function faults(calls: Readonly<Record<Asked, number>>): Fault[] {
  const kinds = Object.entries(FAULTS) as [FaultKind, Asked][];
  return kinds.flatMap(([kind, asked], index) =>
    MOMENTS.filter((_, moment) => ALL || moment === index % MOMENTS.length)
      .map((moment) => ({ kind, at: 1 + Math.floor(moment * (calls[asked] - 1)) }))
  );
}

/** Holds an error to what it must say. */
function checkError(error: unknown, kind: FaultKind, about: string, store: MemoryStore): void {
  assert(error instanceof DeviceError, `${about}: ${(error as Error | undefined)?.stack}`);
  const { message } = error;
  assert(SENTENCES[kind].test(message) && !message.includes("\n"), `${about}: ${message}`);
  if (!store.files.has("metrics.jsonl")) return;
  assertStringIncludes(message, "go on from the last checkpoint with `progress`", about);
}

gpuTest(
  "a device that fails ends the run with a sentence, and the run goes on with the same bytes",
  async (backend) => {
    const whole = new MemoryStore();
    using counted = plantFault();
    await trainAlone(whole);
    counted[Symbol.dispose]();
    for (const fault of faults(counted.calls)) {
      const store = new MemoryStore(),
        about = `${fault.kind}, call ${fault.at} of ${counted.calls[FAULTS[fault.kind]]}`;
      {
        using planted = plantFault(fault);
        const failing = () => withFastTicks(planted.happened, () => trainAlone(store));
        const error = await failing().then(() => undefined, (thrown) => thrown);
        // Before the first step a batch that finds no memory reaches the device in another way, which needs less.
        if (error !== undefined || fault.kind !== "no memory for a buffer") checkError(error, fault.kind, about, store);
      }
      for (const name of ["last.safetensors", "best.safetensors", "previous.safetensors"]) {
        const bytes = store.files.get(name);
        if (bytes !== undefined) decodeCheckpoint(bytes as Uint8Array<ArrayBuffer>, name);
      }
      await train(store, backend);
      for (const name of ["last.safetensors", "best.safetensors"]) {
        assertEquals(store.files.get(name), whole.files.get(name), `${name}: ${about}`);
      }
      assertEquals(store.metrics, whole.metrics, about);
    }
  },
);

gpuTest("a device that is lost or hangs while kernels are timed ends the run", async () => {
  for (const kind of ["lost at a map", "a mapping never ends"] as const) {
    const store = new MemoryStore(), kept = new Map<string, TunedChoice>(), warnings: string[] = [];
    const tune = { store: kept, warn: (message: string) => void warnings.push(message) };
    using planted = plantFault({ kind, at: 9 });
    const failing = () => withFastTicks(planted.happened, () => trainAlone(store, { tune }));
    checkError(await failing().then(() => undefined, (thrown) => thrown), kind, `${kind}, while tuning`, store);
    assertEquals([warnings, [...store.files.keys()]], [[], []], kind);
  }
});
