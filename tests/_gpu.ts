/**
 * Tests that need a WebGPU adapter: skipped with the reason where there is none, or failed where one is required. They run on
 * Deno's implementation, or on the one that RESIDUA_GPU names, as --gpu does.
 */

import { reportAdapter, requestAdapter, WebGpuBackend } from "../core/mod.ts";
import { loadGpu } from "../cli/gpu/load_gpu.ts";

/** The implementation's name. */
export const implementation: string = Deno.env.get("RESIDUA_GPU") ?? "deno";
const gpu = await loadGpu(implementation);
const adapter = await requestAdapter({ gpu });
const required = Deno.env.get("RESIDUA_REQUIRE_GPU") === "1";
const backend = adapter === undefined ? undefined : await WebGpuBackend.create({ gpu });
const where = implementation === "deno" ? "" : `${implementation}, `;
const title = where + (adapter === undefined ? "no WebGPU adapter" : reportAdapter(adapter).name);

/** The title of a test with the adapter that ran it, or the reason why it was skipped. */
export function gpuTest(name: string, run: (backend: WebGpuBackend, t: Deno.TestContext) => Promise<void>): void {
  Deno.test({
    name: `${name} [${title}]`,
    ignore: backend === undefined && !required,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      if (backend === undefined) throw new Error("The GPU suite is required here but no WebGPU adapter was found");
      const before = backend.liveBytes;
      await run(backend, t);
      await backend.finish();
      if (backend.liveBytes !== before) {
        throw new Error(`${backend.liveBytes - before} bytes of GPU buffers were not given back`);
      }
    },
  });
}
