/** Run on each rank by `mpi_test.ts`: sums as float32 and as float16 under way together, and how far each is from float64. */

import { MpiCommunicator } from "../cli/mpi/communicator.ts";
import { Random } from "../core/mod.ts";

const ranks = MpiCommunicator.open(), { rank, size } = ranks;
const LENGTHS = [1, 13, 100_003];

/** The numbers that a rank gives. */
function given(rank: number, sum: number, length: number): Float32Array {
  const random = new Random(rank, "sums", [sum, 0]);
  return Float32Array.from({ length }, () => random.normal());
}

const sums = LENGTHS.flatMap((length, k) =>
  (["float32", "float16"] as const).map((transport, t) => ({
    transport,
    sum: 2 * k + t,
    values: given(rank, 2 * k + t, length),
  }))
);
await Promise.all(sums.map(({ values, transport }) => ranks.sum(values, transport)));
const errors = { float32: 0, float16: 0 };
for (const { transport, sum, values } of sums) {
  const exact = new Float64Array(values.length);
  for (let other = 0; other < size; other++) given(other, sum, values.length).forEach((value, i) => exact[i] += value);
  values.forEach((value, i) => errors[transport] = Math.max(errors[transport], Math.abs(value - exact[i])));
}
const first = sums.map(({ values }) => values[values.length - 1]);
const all = await ranks.gather({ errors, first });
if (rank === 0) console.log(JSON.stringify(all));
await ranks.finalize();
