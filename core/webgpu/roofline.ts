/** The peaks of a device: a kernel of independent multiply-adds in registers, and one that copies. */

import { DeviceError } from "../util/errors.ts";
import type { WebGpuKernel } from "./kernel.ts";
import type { DevicePeaks } from "../profiling/profile.ts";
import type { WebGpuBackend } from "./backend.ts";
import { shaderText } from "./text/shader.ts";
import { Profiler } from "./profiler.ts";
import { elementwise, linearWorkgroups } from "./text/wgsl.ts";

/** Sums of a thread: enough to hide the latency, few enough for registers. */
const ACCUMULATORS = 12;
/** Multiply-adds of each sum in an iteration of the loop, and iterations: few, since some adapters limit a thread's loops. */
const UNROLLED = 16, PASSES = 128;
const FLOPS_PER_THREAD = 2 * ACCUMULATORS * UNROLLED * PASSES;
/** Threads of the first and of the last attempt. */
const LEAST_THREADS = 1 << 13, MOST_THREADS = 1 << 22;
/** The most elements that are copied, 64 MiB, and the vectors that a thread copies. */
const COPIED_ELEMENTS = 1 << 24, COPIED_VECTORS = 8;
/** The seconds of a measurement that is long enough. */
const MEASURED_SECONDS = 4e-3;
/** Readings of a peak. The fastest counts, since other work can only slow a reading down. */
const READINGS = 5;

/**
 * Measures both peaks, on buffers of its own.
 *
 * @throws {DeviceError} If the device has no timestamps.
 */
export async function measureWebGpuPeaks(backend: WebGpuBackend): Promise<DevicePeaks> {
  let threads = LEAST_THREADS, seconds = await fastest(backend, multiplyAdds(backend, threads), threads);
  while (seconds < MEASURED_SECONDS && threads < MOST_THREADS) {
    threads *= 8;
    seconds = await fastest(backend, multiplyAdds(backend, threads), threads);
  }
  const elements = Math.min(
    COPIED_ELEMENTS,
    Math.floor(backend.maxResidentBytes / 16 / COPIED_VECTORS) * 4 * COPIED_VECTORS,
  );
  const copied = await fastest(backend, copy(backend, elements / 4 / COPIED_VECTORS), elements);
  return { flops: threads * FLOPS_PER_THREAD / seconds, bytes: 8 * elements / copied };
}

/** Multiply-adds by factors from memory, so that no compiler can compute the sums. */
function multiplyAdds({ limits }: WebGpuBackend, threads: number): WebGpuKernel {
  const sums = Array.from({ length: ACCUMULATORS }, (_, k) => `s${k}`);
  const body = `let x = source[0] + 0.5;
  let y = source[1] + 0.25;
${sums.map((sum, k) => `  var ${sum} = source[i] + ${k}.0;`).join("\n")}
  for (var pass_ = 0u; pass_ < ${PASSES}u; pass_++) {
${sums.map((sum) => `    ${sum} = fma(${sum}, x, y);`).join("\n").concat("\n").repeat(UNROLLED)}  }
  target_[i] = ${sums.join(" + ")};`;
  return peakKernel(elementwise(threads, body), linearWorkgroups(threads, limits), false);
}

/** A copy in which neighbouring threads copy neighbouring vectors. */
function copy({ limits }: WebGpuBackend, threads: number): WebGpuKernel {
  const indices = Array.from({ length: COPIED_VECTORS }, (_, k) => `i + ${k * threads}u`);
  const body = indices.map((index) => `target_[${index}] = source[${index}];`).join("\n  ");
  return peakKernel(elementwise(threads, body), linearWorkgroups(threads, limits), true);
}

function peakKernel(wgsl: string, workgroups: WebGpuKernel["workgroups"], vector: boolean): WebGpuKernel {
  return {
    wgsl,
    bindings: [{ name: "source", index: 0, vector }, { name: "target_", index: 1, write: true, vector }],
    workgroups,
  };
}

/** The fastest time of a kernel over two buffers of `elements` each, in seconds. */
async function fastest(backend: WebGpuBackend, kernel: WebGpuKernel, elements: number): Promise<number> {
  const { device } = backend;
  const buffers = ["source", "target"].map((name) => backend.createBuffer(4 * elements, `the ${name} of a peak`));
  try {
    const declared = kernel.bindings.map((bound) => ({ ...bound, dtype: "f32" as const }));
    const text = shaderText(kernel.wgsl, declared);
    const pipeline = await backend.pipelines.get({ label: "peak", text, buffers: declared });
    const bindGroup = device.createBindGroup({
      layout: backend.pipelines.layoutOf(declared),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    let best = Infinity;
    for (let reading = 0; reading < READINGS; reading++) {
      best = Math.min(best, await time(backend, pipeline, bindGroup, kernel.workgroups));
    }
    return best;
  } finally {
    for (const buffer of buffers) backend.destroyBuffer(buffer);
  }
}

async function time(
  backend: WebGpuBackend,
  pipeline: GPUComputePipeline,
  bindGroup: GPUBindGroup,
  workgroups: WebGpuKernel["workgroups"],
): Promise<number> {
  const { device } = backend, profiler = new Profiler(backend, 1);
  try {
    const encoder = device.createCommandEncoder(), pass = profiler.begin(encoder, 0);
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
    pass.end();
    profiler.resolve(encoder);
    device.queue.submit([encoder.finish()]);
    const [{ seconds }] = await profiler.read(performance.now());
    backend.check();
    if (seconds <= 0) {
      throw new DeviceError("This adapter's timestamps stand still, so that nothing can be timed on it");
    }
    return seconds;
  } finally {
    profiler.destroy();
  }
}
