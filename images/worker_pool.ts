/** Workers that the sets share which are opened together. */

import { WorkerTeam } from "./worker_team.ts";

/** Seconds in which no worker takes an image or is done, after which they are taken to hang: the largest image takes one of them. */
const STALL_SECONDS = 600;

/** Gives fillers running workers: they start with the first filler and end with the last one that is open. */
export class WorkerPool {
  readonly #workers: number;
  readonly #stallTimeout: number;
  #team: WorkerTeam | undefined;

  /**
   * Starts nothing yet.
   *
   * @param options `workers`: their number; `stallTimeout`: the seconds without any progress after which they are taken to
   * hang. Defaults to 600.
   */
  constructor({ workers, stallTimeout = STALL_SECONDS }: { readonly workers: number; readonly stallTimeout?: number }) {
    this.#workers = workers;
    this.#stallTimeout = stallTimeout;
  }

  /** The workers that run; they are started where none do, as after a fault. */
  get team(): WorkerTeam {
    return this.#team ??= new WorkerTeam({
      workers: this.#workers,
      stallTimeout: this.#stallTimeout,
      onEnd: () => this.#team = undefined,
    });
  }
}
