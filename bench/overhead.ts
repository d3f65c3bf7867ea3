/** The costs of WebGPU other than kernels: `deno task bench --overhead`. */

import { formatTable } from "../cli/reports/table.ts";
import { median, PipelineCache, type WebGpuBackend } from "../core/mod.ts";

const ROUNDS = 9;

/** An action whose cost is measured. */
interface Row {
  readonly name: string;
  /** The number of repetitions, enough to be timed. */
  readonly repeats: number;
  /** Repeats the action and waits for its end. */
  run(repeats: number): Promise<void>;
}

/** A minimal kernel. */
const SMALL_KERNEL = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) { x[i] += 1.0; }`;

const MEBIBYTE = 1 << 20;

/** Prints the cost of each action in microseconds: the median of several rounds. */
export async function measureOverhead(backend: WebGpuBackend): Promise<void> {
  const { device } = backend, buffer = backend.createBuffer(MEBIBYTE, "the buffer of a benchmark");
  const staging = backend.createBuffer(16, "staging", GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  const pipelines = new PipelineCache(device), buffers = [{ dtype: "f32", write: true }] as const;
  const pipeline = await pipelines.get({ label: "small", text: SMALL_KERNEL, buffers });
  const bindGroup = device.createBindGroup({
    layout: pipelines.layoutOf(buffers),
    entries: [{ binding: 0, resource: { buffer, size: 256 } }],
  });
  const submit = () => device.queue.submit([device.createCommandEncoder().finish()]);
  const repeat = (repeats: number, work: () => void) => {
    for (let k = 0; k < repeats; k++) work();
  };
  const write = (bytes: number) => {
    const data = new Uint8Array(bytes);
    return async (repeats: number) => {
      repeat(repeats, () => device.queue.writeBuffer(buffer, 0, data));
      submit();
      await backend.finish();
    };
  };
  const queued: readonly Row[] = [
    {
      name: "submit, empty",
      repeats: 200,
      async run(repeats) {
        repeat(repeats, submit);
        await backend.finish();
      },
    },
    {
      name: "dispatch of 64 threads",
      repeats: 500,
      async run(repeats) {
        const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        repeat(repeats, () => {
          pass.setBindGroup(0, bindGroup);
          pass.dispatchWorkgroups(1);
        });
        pass.end();
        device.queue.submit([encoder.finish()]);
        await backend.finish();
      },
    },
    { name: "writeBuffer, 4 bytes", repeats: 500, run: write(4) },
    { name: "writeBuffer, 1 MiB", repeats: 10, run: write(MEBIBYTE) },
  ];
  const waiting: readonly Row[] = [
    {
      name: "wait for an empty submit",
      repeats: 4,
      async run(repeats) {
        for (let k = 0; k < repeats; k++) {
          submit();
          await backend.finish();
        }
      },
    },
    {
      name: "read 4 bytes back",
      repeats: 4,
      async run(repeats) {
        for (let k = 0; k < repeats; k++) {
          const encoder = device.createCommandEncoder();
          encoder.copyBufferToBuffer(buffer, 0, staging, 0, 4);
          device.queue.submit([encoder.finish()]);
          await backend.mapRead(staging);
          staging.unmap();
        }
      },
    },
  ];
  try {
    const rows: string[][] = [];
    for (const row of queued) rows.push([row.name, format(await slope(row))]);
    for (const { name, repeats, run } of waiting) {
      rows.push([name, format(median(await rounds(() => run(repeats))) / repeats)]);
    }
    backend.check();
    console.log(`${backend.description}, medians of ${ROUNDS} rounds`);
    console.log(formatTable([["each", "microseconds"], ...rows]));
  } finally {
    backend.destroyBuffer(buffer);
    backend.destroyBuffer(staging);
  }
}

/** The milliseconds of each round of some work, after a warm-up round. */
async function rounds(run: () => Promise<void>): Promise<number[]> {
  const milliseconds: number[] = [];
  await run();
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await run();
    milliseconds.push(performance.now() - started);
  }
  return milliseconds;
}

/** The milliseconds of one more repetition, without costs that occur once, such as the wait at the end. */
async function slope({ repeats, run }: Row): Promise<number> {
  const few = median(await rounds(() => run(repeats))), many = median(await rounds(() => run(4 * repeats)));
  return (many - few) / (3 * repeats);
}

function format(milliseconds: number): string {
  return (1000 * milliseconds).toFixed(1);
}
