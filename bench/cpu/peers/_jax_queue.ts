/** Runs of jax-js that are queued on WebGPU without a wait for each. */

import type { QueuedWork } from "../../gpu/burst.ts";
import type { Jax, JaxArray } from "./_jax.ts";
import { backendName } from "./_serve.ts";

/** The turns of the microtask queue in which a compiled function is submitted. */
const SUBMIT_TURNS = 8;

/** What a run gives: the arrays that are waited for, and those that are given back then. */
export interface QueuedRun {
  readonly wait: readonly JaxArray[];
  readonly release: readonly JaxArray[];
}

/** How runs are queued; nothing on other backends than WebGPU. jax-js submits a function when its result is waited for. */
export function queuedJax(jax: Jax, compute: () => QueuedRun): QueuedWork | undefined {
  if (backendName !== "webgpu") return undefined;
  let waits: Promise<void>[] = [];
  return {
    async queue() {
      const { wait, release } = compute();
      waits.push(jax.blockUntilReady(wait).then(() => release.forEach((array) => array.dispose())));
      for (let turn = 0; turn < SUBMIT_TURNS; turn++) await null;
    },
    async finish() {
      const queued = waits;
      waits = [];
      await Promise.all(queued);
    },
  };
}
