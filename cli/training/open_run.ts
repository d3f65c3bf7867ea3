/** Where a run is kept, and from where it goes on. */

import { UsageError } from "../../core/mod.ts";
import { RunFolder } from "../../disk/mod.ts";
import type { ResumableCheckpoint } from "../../train/mod.ts";
import { NO_FILES } from "../mpi/no_files.ts";
import { isFirst, sharedCheckpoint } from "../mpi/ranks.ts";
import { expectSameModel } from "../options/resume.ts";
import { type InitialWeights, readInit } from "./start.ts";
import type { Work } from "./work.ts";

/** Where a run is kept, and from where it goes on. Its folder is locked until it is disposed of. */
export interface Run extends AsyncDisposable {
  readonly location: string;
  /** Its files; the first rank has them. */
  readonly folder?: RunFolder;
  /** Where they go; nowhere on another rank. */
  readonly store: RunFolder["store"];
  /** Where the run that goes on stood. */
  readonly checkpoint?: ResumableCheckpoint;
  /** The weights to start from: the checkpoint's, or those of `--init`. */
  readonly initial?: InitialWeights;
}

/**
 * Opens the folder of a run, with its checkpoint, or the weights that it starts from.
 *
 * @throws {UsageError} If a new run would go into a folder that holds one.
 * @throws {DataError} If the checkpoint is of another network than the run's configuration says.
 */
export async function openRun(work: Work): Promise<Run> {
  const { values: { resume, out, model, progress, json }, ranks } = work;
  const read = () => readInit(work, progress && !json);
  const given = resume === undefined ? await sharedCheckpoint(ranks, read) : undefined;
  const location = resume ?? out ?? `runs/${timestamp()}`;
  await using opened = new AsyncDisposableStack();
  // An error so far leaves no folder behind.
  const folder = isFirst(ranks) ? opened.use(new RunFolder(location)) : undefined;
  const checkpoint = await sharedCheckpoint(ranks, async () => await folder?.resume());
  if (checkpoint !== undefined && resume === undefined) {
    throw new UsageError(
      `${location} holds a run already; go on with it by --resume, or choose another folder with --out`,
    );
  }
  if (checkpoint !== undefined) expectSameModel(model, checkpoint, location);
  const initial = checkpoint ?? given ?? await sharedCheckpoint(ranks, read), kept = opened.move();
  return {
    location,
    folder,
    store: folder?.store ?? NO_FILES,
    checkpoint,
    initial,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
}
