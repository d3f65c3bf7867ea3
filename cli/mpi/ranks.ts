/** The ranks of a command: who prints, what the first one knows, and how all of them end. */

import { DataError, VERSION } from "../../core/mod.ts";
import type { NamedTensor } from "../../weights/mod.ts";
import { exitCodeOf } from "../command.ts";
import type { GivenOptions } from "../options/option.ts";
import { MpiCommunicator } from "./communicator.ts";

/**
 * Milliseconds that other ranks leave the first one to say what is wrong. What is wrong for all is said once then, since it
 * ends all of them.
 */
const FIRST_SPEAKS = 2000;

/** The ranks that a command runs on; nothing where it runs alone. */
export type Ranks = MpiCommunicator | undefined;

/** Whether this process prints and writes files. */
export function isFirst(ranks: Ranks): boolean {
  return ranks === undefined || ranks.rank === 0;
}

/**
 * Runs a command on all ranks that the launcher started. An error on one of them ends all, with its exit code; another rank
 * than the first says which it is.
 *
 * @param distributed Whether there are others; else it simply runs.
 * @param given The options that were given, which all ranks must have alike.
 * @param stallTimeout Seconds after which ranks that do not answer are taken to hang. Defaults to {@link MpiCommunicator.open}'s.
 * @throws {DeviceError} If there is no MPI.
 */
export async function withRanks(
  distributed: boolean,
  { given, stallTimeout }: { readonly given: GivenOptions; readonly stallTimeout?: number },
  run: (ranks: Ranks) => Promise<void>,
): Promise<void> {
  if (!distributed) return await run(undefined);
  const ranks = MpiCommunicator.open({ stallTimeout });
  const code = await exitCodeOf(async () => {
    try {
      await expectSame(ranks, "version", `${VERSION} on Deno ${Deno.version.deno}`);
      await expectSame(ranks, "options", JSON.stringify(Object.entries(given).sort()));
      await run(ranks);
      await ranks.finalize();
    } catch (error) {
      if (ranks.rank > 0) await new Promise((resolve) => setTimeout(resolve, FIRST_SPEAKS));
      throw error;
    }
  }, ranks.rank === 0 ? "" : `rank ${ranks.rank} of ${ranks.size}, on ${ranks.machine}: `);
  if (code !== 0) ranks.abort(code);
}

/**
 * Expects all ranks to have the same of something.
 *
 * @param what What it is called, for the message.
 * @throws {DataError} If a rank has another than the first one; on all ranks.
 */
export async function expectSame(ranks: MpiCommunicator, what: string, text: string): Promise<void> {
  const all = await ranks.gather({ machine: ranks.machine, text });
  const other = all.findIndex(({ text }) => text !== all[0].text);
  if (other < 0) return;
  const { machine, text: theirs } = all[other];
  throw new DataError(
    `Rank ${other}, on ${machine}, has another ${what} than rank 0, on ${all[0].machine}: ${theirs} there, ${
      all[0].text
    } ` +
      "here; start all ranks alike",
  );
}

/** Does something on the first rank, and gives its result, which is JSON, to all. */
export async function onFirst<T>(ranks: Ranks, work: () => Promise<T>): Promise<T> {
  if (ranks === undefined) return await work();
  return await ranks.share(ranks.rank === 0 ? await work() : undefined as T);
}

/** What is known of tensors before their elements come. */
interface TensorHead {
  readonly name: string;
  readonly shape: readonly number[];
  readonly isFloat: boolean;
}

/**
 * Gives all ranks a checkpoint that the first one has read, so that no other needs its file.
 *
 * @param read Reads it; only the first rank calls it.
 */
export async function sharedCheckpoint<T extends { readonly tensors: ReadonlyMap<string, NamedTensor> }>(
  ranks: Ranks,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  if (ranks === undefined) return await read();
  const own = ranks.rank === 0 ? await read() : undefined;
  const known = await ranks.share(own && { ...own, tensors: [...own.tensors].map(headOf) });
  if (known === undefined) return undefined;
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape, isFloat } of known.tensors) {
    const data = own?.tensors.get(name)?.data ?? emptyTensor(shape, isFloat);
    // A copy may be sent where the elements lie in a memory that is shared between threads.
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    await ranks.broadcast(bytes, 0);
    tensors.set(name, { shape, data });
  }
  return own ?? { ...known, tensors } as unknown as T;
}

function headOf([name, { shape, data }]: readonly [string, NamedTensor]): TensorHead {
  return { name, shape, isFloat: data instanceof Float32Array };
}

function emptyTensor(shape: readonly number[], isFloat: boolean): Float32Array | Uint32Array {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return isFloat ? new Float32Array(length) : new Uint32Array(length);
}
