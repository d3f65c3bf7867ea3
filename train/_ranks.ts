/** What the ranks of a run tell each other beside gradients. All of it is made of sums, so that any collective will do. */

import type { Collective } from "../core/mod.ts";
import { TRANSIENT_PREFIX, type Variables } from "../weights/mod.ts";

/** Whether any rank asks for something. Where there is one rank, it is the answer itself. */
export async function anyRank(collective: Collective | undefined, asked: boolean): Promise<boolean> {
  if (collective === undefined) return asked;
  const votes = Float32Array.of(Number(asked));
  await collective.sum(votes);
  return votes[0] > 0;
}

/**
 * Gives all ranks the first one's variables, to the bit: weights, running statistics, what the optimiser keeps. Each 32 bits
 * travel as two whole numbers of 16, which sums with zeros keep, as they would not keep the sign of a zero.
 */
export async function shareVariables({ storages }: Variables, collective: Collective | undefined): Promise<void> {
  if (collective === undefined || collective.size === 1) return;
  const isFirst = collective.rank === 0;
  for (const [name, storage] of storages) {
    if (name.startsWith(TRANSIENT_PREFIX)) continue;
    const length = storage.spec.shape.reduce((product, extent) => product * extent, 1);
    const halves = new Float32Array(2 * length);
    if (isFirst) {
      const data = await storage.read(), bits = new Uint16Array(data.buffer, data.byteOffset, 2 * length);
      halves.set(bits);
    }
    await collective.sum(halves);
    if (!isFirst) storage.write(new Float32Array(Uint16Array.from(halves).buffer));
  }
}
