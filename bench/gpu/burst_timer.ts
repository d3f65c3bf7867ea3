/** Timestamps around a burst on WebGPU. */

import type { WebGpuBackend } from "../../core/mod.ts";
import { Profiler } from "../../core/webgpu/profiler.ts";
import type { BurstTimer } from "./burst.ts";

/** What makes timers on a device; nothing where it has no timestamps. */
export function burstTimers(backend: WebGpuBackend): (() => BurstTimer) | undefined {
  const { device } = backend;
  if (!device.features.has("timestamp-query")) return undefined;
  return () => {
    const profiler = new Profiler(backend, 2);
    const stamp = (index: number) => {
      const encoder = device.createCommandEncoder();
      // A pass without dispatches: its timestamps are written once all that was queued before is done.
      profiler.begin(encoder, index).end();
      if (index === 1) profiler.resolve(encoder);
      device.queue.submit([encoder.finish()]);
    };
    return {
      begin: () => stamp(0),
      async end() {
        stamp(1);
        const [first, last] = await profiler.read(performance.now());
        profiler.destroy();
        backend.check();
        return last.start - first.start;
      },
    };
  };
}
