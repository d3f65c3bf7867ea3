/** What the ranks of a run tell each other beside gradients. All of it is made of sums, so that any collective will do. */

import { type Collective, DataError, hashText } from "../core/mod.ts";
import { TRANSIENT_PREFIX, type Variables } from "../weights/mod.ts";

/** Whether any rank asks for something. Where there is one rank, it is the answer itself. */
export async function anyRank(collective: Collective | undefined, asked: boolean): Promise<boolean> {
  if (collective === undefined) return asked;
  const votes = Float32Array.of(Number(asked));
  await collective.sum(votes);
  return votes[0] > 0;
}

/**
 * Expects all ranks to have the same of everything.
 *
 * @param parts What all must have alike: what a part is called, for the message, and its text.
 * @throws {DataError} If a rank has something else than the first one; on all ranks.
 */
export async function expectSameRanks(
  collective: Collective | undefined,
  parts: Readonly<Record<string, string>>,
): Promise<void> {
  if (collective === undefined) return;
  const { rank, size } = collective, names = Object.keys(parts), perRank = 2 * names.length;
  // Each rank has a place of its own for its hashes, in halves that float32 keeps.
  const all = new Float32Array(size * perRank);
  names.forEach((name, k) => {
    const hash = hashText(parts[name]);
    all.set([hash >>> 16, hash & 0xffff], rank * perRank + 2 * k);
  });
  await collective.sum(all);
  for (const [k, name] of names.entries()) {
    const hashes = Array.from(
      { length: size },
      (_, rank) => all.slice(rank * perRank + 2 * k, rank * perRank + 2 * k + 2),
    );
    const others = hashes.flatMap((hash, rank) => hash.join() === hashes[0].join() ? [] : [rank]);
    if (others.length === 0) continue;
    const ranks = others.length === 1 ? `Rank ${others[0]} has` : `The ranks ${others.join(", ")} have`;
    throw new DataError(`${ranks} other ${name} than rank 0; give all ranks the same, and start again`);
  }
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
