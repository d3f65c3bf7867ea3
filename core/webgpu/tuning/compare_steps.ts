/** A whole program with two ways to choose its kernels, timed in turn. */

import type { BackendCompileOptions, Storage } from "../../backend.ts";
import type { Plan } from "../../plan/plan.ts";
import { DeviceError } from "../../util/errors.ts";
import type { WebGpuBackend } from "../backend.ts";
import { WebGpuExecutable } from "../executable.ts";
import { WebGpuStorage } from "../storage.ts";
import type { TuneComparison, VariantChooser } from "./choices.ts";
import { contest } from "./contest.ts";
import { Stopwatch } from "./stopwatch.ts";

/** The bytes that both programs may take at once; larger ones are made in turn, since it shows too late that there is no room. */
const TOGETHER_BYTES = 1 << 30;

/**
 * Times steps of a program as it ran before and as it would run. They update copies of the variables.
 *
 * @throws {OutOfMemoryError} If there is no room for the program and the copies.
 */
export async function compareSteps(
  backend: WebGpuBackend,
  plan: Plan,
  options: BackendCompileOptions,
  before: VariantChooser,
  after: VariantChooser,
): Promise<TuneComparison> {
  const choosers = [before, after], { scalars } = options, { total } = backend.capacity;
  const copies = new Map<string, WebGpuStorage>(), programs = new Map<number, WebGpuExecutable>();
  try {
    const variables = copyUpdated(backend, plan, options.variables, copies);
    const need = choosers.reduce(
      (sum, chooseVariant) => sum + backend.memoryNeed(plan, { scalars, chooseVariant }).total,
      0,
    );
    const one = need > TOGETHER_BYTES || backend.liveBytes + need > total;
    const track = new Stopwatch(
      backend,
      async (candidate) => {
        const known = programs.get(candidate);
        if (known !== undefined) return known;
        if (one) destroyAll(programs);
        const program = await backend.compile(plan, {
          ...options,
          variables,
          chooseVariant: choosers[candidate],
          // Each rank times for itself.
          collective: undefined,
        });
        if (!(program instanceof WebGpuExecutable)) throw new DeviceError("Expected a program on WebGPU");
        programs.set(candidate, program);
        return program;
      },
      one,
    );
    const { seconds } = await contest(track, [0, 1], 0);
    return { before: seconds.get(0)!, after: seconds.get(1)!, kept: seconds.get(1)! <= seconds.get(0)! };
  } finally {
    await backend.finish();
    destroyAll(programs);
    destroyAll(copies);
  }
}

/** The variables, with copies of those that a step updates. */
function copyUpdated(
  backend: WebGpuBackend,
  { nodes }: Plan,
  variables: ReadonlyMap<string, Storage>,
  copies: Map<string, WebGpuStorage>,
): Map<string, Storage> {
  const encoder = backend.device.createCommandEncoder();
  for (const { op, arguments: read } of nodes) {
    for (const { name } of (op.updates ?? []).map((index) => read[index])) {
      const storage = variables.get(name);
      if (!(storage instanceof WebGpuStorage) || copies.has(name)) continue;
      const copy = new WebGpuStorage(backend, storage.spec);
      copies.set(name, copy);
      encoder.copyBufferToBuffer(storage.buffer, 0, copy.buffer, 0, copy.buffer.size);
    }
  }
  backend.device.queue.submit([encoder.finish()]);
  return new Map([...variables, ...copies]);
}

function destroyAll(all: Map<unknown, { destroy(): void }>): void {
  for (const each of all.values()) each.destroy();
  all.clear();
}
