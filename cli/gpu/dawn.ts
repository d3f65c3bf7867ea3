/** Dawn, the WebGPU of Chromium, as an addon: npm's `webgpu`, in the one version that is used. Its lock is `dawn.lock`. */

import { calmImmediate } from "./calm_polling.ts";

const specifier = "npm:webgpu@0.6.2";
const { create }: { create(flags: readonly string[]): GPU } = await import(specifier);

const { setImmediate, setTimeout } = globalThis;
// The addon looks it up for each question.
globalThis.setImmediate = calmImmediate({
  setImmediate,
  setTimeout,
  now: () => performance.now(),
}) as typeof setImmediate;

export { create };
