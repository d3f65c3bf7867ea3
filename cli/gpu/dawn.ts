/** Dawn, the WebGPU of Chromium, as an addon: npm's `webgpu`, in the one version that is used. Its lock is `dawn.lock`. */

const specifier = "npm:webgpu@0.6.2";
const { create }: { create(flags: readonly string[]): GPU } = await import(specifier);

export { create };
