/** Holds a backend to it that a run stopped anywhere, and gone on with, ends with the bits of one that was not. */

import { assertEquals } from "@std/assert";
import type { Backend } from "../core/mod.ts";
import { fit, type FitOptions, RunFolder } from "../train/mod.ts";
import { MemoryStore, randomSet, shortRun } from "./_runs.ts";
import { assertSame } from "./_same.ts";

/** Trains to the end at once, and with stops after the given steps, and compares all that is left. */
export async function checkResume(
  backend: Backend,
  stops: readonly number[],
  options: Partial<FitOptions>,
): Promise<void> {
  const { set = randomSet(39) } = options, short = shortRun(set);
  const run = async (store: MemoryStore, stop?: number) => {
    const folder = new RunFolder(store), checkpoint = await folder.resume();
    const result = await fit({
      ...short,
      backend,
      ...options,
      folder,
      initial: checkpoint,
      progress: checkpoint?.info.progress,
      onStep: ({ step }) => step === stop ? "stop" : undefined,
    });
    assertEquals(result.stopped, stop !== undefined);
    return result;
  };
  const whole = new MemoryStore(), parts = new MemoryStore();
  const { tensors } = await run(whole);
  for (const stop of stops) await run(parts, stop);
  const resumed = await run(parts);
  assertSame(resumed.tensors, tensors);
  for (const name of ["last.safetensors", "best.safetensors"]) {
    assertSame(parts.files.get(name), whole.files.get(name), name);
  }
  assertEquals(parts.metrics, whole.metrics);
  assertEquals(whole.metrics.length, (options.epochs ?? 3) * 7);
}
