/** Short runs that are killed at an operation on their store, and gone on with. */

import { assertEquals } from "@std/assert";
import { type Backend, DataError } from "../../core/mod.ts";
import { fit, RunFolder } from "../../train/mod.ts";
import { decodeCheckpoint } from "../../weights/mod.ts";
import { MemoryStore, randomSet, shortRun } from "../_runs.ts";
import { type Fault, FaultyStore, Killed } from "./_faulty_store.ts";

const RUN = shortRun(randomSet(18));

/** Trains, or goes on; validates three times, saves within epochs, and keeps an epoch's checkpoint. */
async function train(backend: Backend, store: FaultyStore): Promise<void> {
  const folder = new RunFolder(store), checkpoint = await folder.resume();
  await fit({
    ...RUN,
    backend,
    ema: 0.9,
    checkpoints: { steps: 2, keep: 1 },
    folder,
    initial: checkpoint,
    progress: checkpoint?.info.progress,
    // As plots are: written before the epoch is saved.
    onValidation: ({ epoch }) => store.write("plot.svg", new TextEncoder().encode(`after epoch ${epoch}`)),
  });
}

/**
 * Hashes of what is left, without what a killed process could not remove and without what depends on the clock. A comparison of
 * the bytes themselves would print them.
 */
async function filesOf(store: MemoryStore): Promise<Record<string, string>> {
  const files = [...store.files].filter(([name]) => !name.endsWith(".new") && name !== "metrics.jsonl").sort();
  const metrics = ["metrics", new TextEncoder().encode(JSON.stringify(store.metrics))] as const;
  const hashed = [...files, metrics].map(async ([name, bytes]) => {
    const digest = await crypto.subtle.digest("SHA-256", bytes.slice());
    return [name, new Uint8Array(digest).toHex()] as const;
  });
  return Object.fromEntries(await Promise.all(hashed));
}

/** A run that nothing disturbed. */
export interface Undisturbed {
  readonly files: Record<string, string>;
  /** The operations on its store. */
  readonly operations: number;
}

/** Trains without a fault. */
export async function undisturbedRun(backend: Backend): Promise<Undisturbed> {
  const memory = new MemoryStore(), store = new FaultyStore(memory);
  await train(backend, store);
  return { files: await filesOf(memory), operations: store.count };
}

/** Lets a run end at an operation, checks what it left, goes on with it, and compares the end to that of an undisturbed run. */
export async function checkCrash(backend: Backend, whole: Undisturbed, at: number, fault: Fault): Promise<void> {
  const what = `${fault} operation ${at} of ${whole.operations}`, memory = new MemoryStore();
  let error: unknown;
  const store = new FaultyStore(memory, at, fault);
  await train(backend, store).catch((caught) => error = caught);
  // Metrics are written now and then, by the clock, so that a run may have fewer operations than another.
  if (store.count >= at) {
    assertEquals(error instanceof (fault === "full" ? DataError : Killed), true, `${what}: ${error}`);
  }
  for (const [name, bytes] of memory.files) {
    if (name.endsWith(".safetensors")) decodeCheckpoint(bytes, `${what}: ${name}`);
  }
  await train(backend, new FaultyStore(memory));
  assertEquals(await filesOf(memory), whole.files, what);
}
