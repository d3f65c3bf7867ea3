/** What each rank of `deno task bench:mpi` does: sums alone, and steps with sums and with none. Rank 0 prints JSON. */

import { type Collective, CpuBackend } from "../../core/mod.ts";
import { MpiCommunicator } from "../../cli/mpi/communicator.ts";
import { modelByName } from "../../models/mod.ts";
import { Trainer } from "../../train/mod.ts";

/** What rank 0 prints. */
export interface RankReport {
  /** Seconds of the fastest sum, by its number of floats. */
  readonly sums: Readonly<Record<number, number>>;
  /** Floats of each sum of a step. */
  readonly buckets: readonly number[];
  /** Milliseconds of the fastest step, which others on the machine disturbed least: alone, with sums that are there at once, with those of all ranks. */
  readonly alone: number;
  readonly withoutNetwork: number;
  readonly withNetwork: number;
  /** The same with sums that take {@link SLOW} milliseconds each, one after the other. */
  readonly withSlowNetwork: number;
  /** Milliseconds of a step's sums one after the other, the ranks having nothing else to do. */
  readonly network: number;
  /** Milliseconds of a step in which a rank waited for others. */
  readonly waited: number;
}

/** Milliseconds of each sum over a slow network, which needs no processor meanwhile. */
export const SLOW = 20;

/** One rank whose sums take a while, one after the other. */
function slowCollective(): Collective {
  let free = 0;
  return {
    rank: 0,
    size: 1,
    sum() {
      const now = performance.now();
      free = Math.max(now, free) + SLOW;
      return new Promise((resolve) => setTimeout(resolve, free - now));
    },
  };
}

/** Makes the times of a rank's sums. */
async function timeSums(
  ranks: MpiCommunicator,
  rounds: number,
  counts: readonly number[],
): Promise<Record<number, number>> {
  const sums: Record<number, number> = {};
  for (const count of counts) {
    const values = new Float32Array(count);
    let least = Infinity;
    for (let round = 0; round < rounds; round++) {
      await ranks.barrier();
      const start = performance.now();
      await ranks.sum(values);
      least = Math.min(least, performance.now() - start);
    }
    sums[count] = least / 1000;
  }
  return sums;
}

/** The milliseconds of the fastest step. */
async function timeSteps(
  model: string,
  batch: number,
  steps: number,
  collective: Collective | undefined,
  beside: () => Promise<void>,
): Promise<number> {
  using backend = new CpuBackend();
  const network = modelByName(model), [channels, height, width] = network.inputShape;
  const trainer = await Trainer.create({ model: network, backend, batch, collective });
  const images = Float32Array.from({ length: batch * channels * height * width }, (_, i) => Math.sin(i));
  const labels = Uint32Array.from({ length: batch }, (_, i) => i % network.classes), times: number[] = [];
  for (let step = -2; step < steps; step++) {
    await beside();
    const start = performance.now();
    await trainer.step({ images, labels }, 0.01);
    if (step >= 0) times.push(performance.now() - start);
    await trainer.results();
  }
  trainer.destroy();
  return Math.min(...times);
}

if (import.meta.main) {
  const [model, batch, steps, ...counts] = Deno.args, ranks = MpiCommunicator.open(), { rank, size } = ranks;
  const sums = await timeSums(ranks, 50, counts.map(Number)), meet = () => ranks.barrier(), buckets: number[] = [];
  const nothing: Collective = { rank, size, sum: (values) => Promise.resolve(void buckets.push(values.length)) };
  // Ranks that compute at the same time share caches and memory, with a network or not.
  const alone = await timeSteps(model, Number(batch), Number(steps), undefined, meet);
  const withoutNetwork = await timeSteps(model, Number(batch), Number(steps), nothing, meet);
  const withSlowNetwork = await timeSteps(model, Number(batch), Number(steps), slowCollective(), meet);
  const before = ranks.waited, withNetwork = await timeSteps(model, Number(batch), Number(steps), ranks, meet);
  const waited = (ranks.waited - before) / (Number(steps) + 2);
  const perStep = buckets.slice(0, buckets.length / (Number(steps) + 2)), each = await timeSums(ranks, 50, perStep);
  const network = perStep.reduce((sum, count) => sum + 1000 * each[count], 0);
  const times = { alone, withoutNetwork, withSlowNetwork, withNetwork, network, waited };
  const report: RankReport = { sums, buckets: perStep, ...times };
  if (rank === 0) console.log(JSON.stringify(report));
  await ranks.finalize();
}
