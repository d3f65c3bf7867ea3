/** Holds a backend to it that a run of which steps are profiled ends with the bits of one that is not. */

import { assert, assertEquals } from "@std/assert";
import { type Backend, chromeTrace, type Profile, type TraceEvent } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { fit, type FitOptions, RunFolder } from "../train/mod.ts";
import { MemoryStore, randomSet } from "./_runs.ts";
import { assertSame } from "./_same.ts";

/** Trains with and without a profile, and compares all that is left; checks the profile and its trace. */
export async function checkProfiledRun(backend: Backend, options: Partial<FitOptions>): Promise<void> {
  const set = randomSet(39), model = cifarResNet({ depth: 8, classes: 3, inputShape: set.shape });
  const run = async (store: MemoryStore, profile?: FitOptions["profile"]) => {
    const augmentation = { padding: 1, flip: true }, folder = new RunFolder(store);
    return await fit({
      model,
      backend,
      set,
      batch: 6,
      epochs: 2,
      rate: 0.02,
      augmentation,
      ...options,
      folder,
      profile,
    });
  };
  const plain = new MemoryStore(), timed = new MemoryStore(), profiles: Profile[] = [];
  const { tensors } = await run(plain);
  // From the fifth step of six to the third of the next epoch.
  const profiled = await run(timed, { warmUp: 4, steps: 5, onProfile: (profile) => profiles.push(profile) });
  assertSame(profiled.tensors, tensors);
  for (const name of ["last.safetensors", "best.safetensors"]) {
    assertSame(timed.files.get(name), plain.files.get(name), name);
  }
  assertEquals(timed.metrics, plain.metrics);

  assertEquals(profiles.length, 1);
  const [profile] = profiles;
  assertEquals(profile.device, backend.description);
  assertEquals(profile.steps.map(({ name }) => name), [5, 6, 7, 8, 9].map((step) => `step ${step}`));
  for (const { kernels, host } of profile.steps) {
    const ops = new Set(kernels.map(({ op }) => op));
    for (const op of ["conv2d", "conv2dWeightGradient", "linear"]) assert(ops.has(op), `${op} is missing`);
    for (const name of ["load batch", "compute", "read results"]) assert(host.some((span) => span.name === name), name);
  }
  checkTrace(profile);
}

/** Checks that a trace is JSON, in the order of time, and that events of a thread lie within each other or apart. */
export function checkTrace(profile: Profile): void {
  const { traceEvents } = JSON.parse(JSON.stringify(chromeTrace(profile))) as { readonly traceEvents: TraceEvent[] };
  const events = traceEvents.filter(({ ph }) => ph === "X"), named = new Set<number>();
  for (const { ph, tid, name } of traceEvents) if (ph === "M" && name === "thread_name") named.add(tid);
  assertEquals(events[0].ts, 0);
  events.forEach(({ ts, dur }, index) => {
    assert(dur! >= 0, `event ${index} takes ${dur} µs`);
    if (index > 0) assert(ts! >= events[index - 1].ts!, `event ${index} is not in the order of time`);
  });
  for (const tid of new Set(events.map((event) => event.tid))) {
    assert(named.has(tid), `thread ${tid} has no name`);
    const open: TraceEvent[] = [];
    for (const event of events.filter((each) => each.tid === tid)) {
      const end = nanoseconds(event.ts! + event.dur!);
      while (open.length > 0 && nanoseconds(open.at(-1)!.ts! + open.at(-1)!.dur!) <= nanoseconds(event.ts!)) open.pop();
      const outer = open.at(-1);
      if (outer !== undefined) {
        assert(end <= nanoseconds(outer.ts! + outer.dur!), `${event.name} begins in ${outer.name} and ends after it`);
      }
      open.push(event);
    }
  }
  const kernels = profile.steps.reduce((sum, step) => sum + step.kernels.length, 0);
  assertEquals(events.filter(({ cat }) => cat === "kernel").length, kernels);
}

function nanoseconds(microseconds: number): number {
  return Math.round(microseconds * 1000);
}
