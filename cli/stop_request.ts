/**
 * How another program asks a run to stop: by a file in its folder, which the run looks for every second, and takes away. It then
 * finishes its step and saves, as for SIGTERM. Whoever may write to the folder may ask; no process is named, so that none can be
 * hit that has its number by now, and the disk may be another machine's.
 */

import { existsSync, rmSync } from "node:fs";

/** The file. */
export const STOP_REQUEST = "stop.request";

/** Milliseconds between looks. */
const INTERVAL = 1000;

/** Looks for requests to stop a run until it is disposed of. */
export class StopRequests implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Takes away a request that was left of before, and begins to look.
   *
   * @param folder The run's.
   * @param stop Called when there is a request, once.
   */
  constructor(folder: string, stop: () => void) {
    const path = `${folder}/${STOP_REQUEST}`, take = () => rmSync(path, { force: true });
    take();
    this.#timer = setInterval(() => {
      // In one go: a look that waits would be there still when the run has ended.
      if (!existsSync(path)) return;
      take();
      clearInterval(this.#timer);
      stop();
    }, INTERVAL);
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
