/** A device that is lost in the middle of a run: one sentence, whole files, and a run that goes on to the same bits. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeviceError, WebGpuBackend } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { fit, type FitOptions, RunFolder } from "../train/mod.ts";
import { decodeCheckpoint } from "../weights/mod.ts";
import { gpuTest } from "./_gpu.ts";
import { MemoryStore, randomSet } from "./_runs.ts";

const set = randomSet(39), model = cifarResNet({ depth: 8, classes: 3, inputShape: set.shape });

/** Trains what is left of a run on a device of its own. */
async function train(store: MemoryStore, watch: (backend: WebGpuBackend) => Partial<FitOptions> = () => ({})) {
  const backend = await WebGpuBackend.create(), folder = new RunFolder(store), checkpoint = await folder.resume();
  try {
    const { tensors } = await fit({
      model,
      description: { name: "resnet8", classes: 3, inputShape: set.shape },
      backend,
      set,
      batch: 6,
      epochs: 2,
      rate: 0.02,
      checkpoints: { steps: 3 },
      augmentation: { padding: 1, flip: true },
      folder,
      initial: checkpoint,
      progress: checkpoint?.info.progress,
      ...watch(backend),
    });
    return tensors;
  } finally {
    backend.destroy();
  }
}

gpuTest(
  "a device that is lost ends the run with a sentence, and the run goes on elsewhere with the same bits",
  async () => {
    const whole = new MemoryStore(), tensors = await train(whole);
    const moments: readonly [string, (backend: WebGpuBackend) => Partial<FitOptions>][] = [
      // Before there is any checkpoint, and between two.
      ...[2, 5].map((at): [string, (backend: WebGpuBackend) => Partial<FitOptions>] => [
        `at step ${at}`,
        ({ device }) => ({ onStep: ({ step }) => step === at ? void device.destroy() : undefined }),
      ]),
      ["in validation", ({ device }) => ({
        onProgress: ({ activity }) => activity === "validation" ? device.destroy() : undefined,
      })],
    ];
    for (const [when, watch] of moments) {
      const store = new MemoryStore();
      const error = await assertRejects(() => train(store, watch), DeviceError, "The GPU device was lost");
      assert(error instanceof DeviceError && !error.message.includes("\n"), when);
      for (const name of ["last.safetensors", "best.safetensors"]) {
        const bytes = store.files.get(name);
        if (bytes !== undefined) decodeCheckpoint(bytes as Uint8Array<ArrayBuffer>, name);
      }
      assertEquals(await train(store), tensors, when);
      for (const name of ["last.safetensors", "best.safetensors"]) {
        assertEquals(store.files.get(name), whole.files.get(name), `${name}, lost ${when}`);
      }
      assertEquals(store.metrics, whole.metrics, when);
    }
  },
);
