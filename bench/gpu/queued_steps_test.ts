import { assertEquals } from "@std/assert";
import { CpuBackend } from "../../core/mod.ts";
import { queuedSteps } from "./queued_steps.ts";

Deno.test("queuedSteps() begins to read every few steps, and waits for the read before", async () => {
  const log: string[] = [], ends: (() => void)[] = [];
  const trainer = {
    capacity: 4,
    results() {
      log.push("read");
      return new Promise<never[]>((resolve) => ends.push(() => resolve([])));
    },
  };
  const backend = Object.assign(new CpuBackend(), { stepsInFlight: 8 });
  const { queue, finish } = queuedSteps(backend, trainer, () => log.push("step"));
  for (let step = 0; step < 3; step++) await queue();
  // Two steps are half of what the trainer holds.
  assertEquals(log, ["step", "step", "read", "step"]);
  const fourth = queue();
  assertEquals(log.splice(0), ["step", "step", "read", "step", "step", "read"]);
  let isQueued = false;
  const waiting = Promise.resolve(fourth).then(() => isQueued = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isQueued, false);
  ends.shift()!();
  await waiting;
  ends.shift()!();
  const finishing = finish();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(log, ["read"]);
  ends.shift()!();
  await finishing;
});
