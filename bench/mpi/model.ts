/**
 * The time of a training step on many ranks, from what one takes and what the network does. Sums are those of Rabenseifner 2004,
 * which MPI's libraries take for many ranks: each rank sends and receives 2·(N - 1)/N of the gradients in 2·log2(N) messages a
 * sum, and adds (N - 1)/N of them.
 */

/** What a step takes of one rank. */
export interface StepCost {
  /** Seconds of a step without sums. */
  readonly compute: number;
  /** The share of it in which sums may be under way: that of the backward pass after the first bucket. */
  readonly overlap: number;
  /** Bytes of the gradients. */
  readonly gradients: number;
  /** Bytes of a sum, but for the last one. */
  readonly bucket: number;
  /** Seconds by which a device that is read answers late, once a step. */
  readonly readback: number;
}

/** What connects ranks. */
export interface Network {
  /** Seconds of a message without content. */
  readonly latency: number;
  /** Bytes a second of a rank, in each direction. */
  readonly bandwidth: number;
  /** Bytes a second of gradients that a rank adds. */
  readonly adding: number;
  /** Bytes a second between the device and the memory of its machine. */
  readonly device: number;
}

/** Where the time of a step goes, in seconds. */
export interface StepTime {
  /** All of it. */
  readonly total: number;
  /** The sums, and the way of gradients from the device and back. */
  readonly sums: number;
  /** What of these no computation hides. */
  readonly exposed: number;
}

/** The time of a step on as many ranks. */
export function stepTime(
  { compute, overlap, gradients, bucket, readback }: StepCost,
  { latency, bandwidth, adding, device }: Network,
  ranks: number,
): StepTime {
  if (ranks === 1) return { total: compute, sums: 0, exposed: 0 };
  const count = Math.ceil(gradients / bucket), part = (ranks - 1) / ranks;
  const messages = count * 2 * Math.ceil(Math.log2(ranks)) * latency;
  const sums = messages + gradients * (2 * part / bandwidth + part / adding + 2 / device);
  // The last sum begins when the backward pass ends.
  const last = sums / count, exposed = readback + Math.max(last, sums - overlap * compute);
  return { total: compute + exposed, sums, exposed };
}

/** ResNet-50 at 224x224 with batches of 64 and 25.6 million parameters, on one H100. */
const RESNET50 = { overlap: 0.6, gradients: 4 * 25_557_032, bucket: 4 * 2 ** 20 };

/** Networks and machines, as the tables of docs/scaling.md name them. */
export const NETWORKS: Readonly<Record<string, Network>> = {
  "100 Gbit/s": { latency: 5e-6, bandwidth: 10e9, adding: 4e9, device: 12e9 },
  "10 Gbit/s": { latency: 30e-6, bandwidth: 1e9, adding: 4e9, device: 12e9 },
};

/** Steps, by images a second of one GPU and the milliseconds by which Deno's WebGPU answers late, or Dawn's. */
export const STEPS: Readonly<Record<string, StepCost>> = {
  "243 images/s, Deno": { ...RESNET50, compute: 64 / 243, readback: 0.011 },
  "882 images/s, Deno": { ...RESNET50, compute: 64 / 882, readback: 0.011 },
  "882 images/s, Dawn": { ...RESNET50, compute: 64 / 882, readback: 0.00005 },
};

/** The numbers of GPUs that are predicted. */
export const RANKS = [8, 64, 1024] as const;

/** The rows of the table of predictions: images a second, and the share of what as many GPUs would do without a network. */
export function predictions(): string[][] {
  return Object.entries(STEPS).flatMap(([step, cost]) =>
    Object.entries(NETWORKS).map(([name, network]) => [
      step,
      name,
      ...RANKS.map((ranks) => {
        const { total } = stepTime(cost, network, ranks), rate = 64 * ranks / total;
        return `${Math.round(rate).toLocaleString("en")} (${Math.round(100 * cost.compute / total)} %)`;
      }),
    ])
  );
}

if (import.meta.main) { for (const row of predictions()) console.log(`| ${row.join(" | ")} |`); }
