/** Training steps as `fit` queues them: scalars are read some steps late, so that the device does not wait for the host. */

import type { Backend } from "../../core/mod.ts";
import type { Trainer } from "../../train/mod.ts";
import type { QueuedWork } from "./burst.ts";

/** Queues a step at a time; the results of `Backend.stepsInFlight` steps are read while as many more are queued. */
export function queuedSteps(
  backend: Backend,
  trainer: Pick<Trainer, "results" | "capacity">,
  step: () => void,
): QueuedWork {
  const flight = Math.max(1, Math.min(backend.stepsInFlight, trainer.capacity >> 1));
  let queued = 0, pending: Promise<unknown> = Promise.resolve();
  return {
    async queue() {
      step();
      if (++queued % flight > 0) return;
      const before = pending;
      pending = trainer.results();
      pending.catch(() => {});
      await before;
    },
    async finish() {
      await pending;
      await trainer.results();
      await backend.finish();
    },
  };
}
