/** Running workers, and the fillers whose images they prepare. */

import { argument, DeviceError, sentence, StallWatch } from "../core/mod.ts";
import { DecodeBudget } from "./decode_budget.ts";
import { type ImageWorker, startImageWorker } from "./start_worker.ts";
import type { FillRequest, OpenRequest, WorkerAnswer, WorkerRequest } from "./worker_messages.ts";

/** One who has workers fill its batches. */
export interface TeamMember {
  /** How many images of its batches in work have been taken: while there come more, nothing hangs. */
  taken(): number;
  /** Hears a worker's answer to it. */
  hear(worker: ImageWorker, answer: WorkerAnswer): void;
  /** Hears that the workers have ended, and why. */
  fail(error: Error): void;
}

/** The options of {@link WorkerTeam}. */
export interface WorkerTeamOptions {
  /** The number of workers. */
  readonly workers: number;
  /** The seconds without any progress after which they are taken to hang. */
  readonly stallTimeout: number;
  /** Called once they have ended: with the last member, or since one of them has failed. */
  readonly onEnd: () => void;
}

const FEWER = sentence`use fewer ${argument("workers")}`;

/** Workers from their start to their end. They end with their last member; if one of them fails or hangs, all do. */
export class WorkerTeam {
  /** The workers. */
  readonly workers: readonly ImageWorker[];
  readonly #onEnd: () => void;
  readonly #members = new Map<number, TeamMember>();
  readonly #watch: StallWatch;
  // Their own, since a worker that is ended gives nothing back.
  readonly #budget = new DecodeBudget();
  #opened = 0;
  #answers = 0;
  #ended = false;

  /** Starts the workers. */
  constructor({ workers, stallTimeout, onEnd }: WorkerTeamOptions) {
    this.#onEnd = onEnd;
    this.#watch = new StallWatch({
      limit: () => stallTimeout,
      progress: () => [...this.#members.values()].reduce((sum, member) => sum + member.taken(), this.#answers),
      onStall: (seconds) =>
        this.#fail(
          new DeviceError(
            sentence`The workers that prepare images have done nothing for ${seconds} seconds, so one has died or its disk hangs; ${FEWER}, or where the disk is only slow ${
              argument("stallTimeout", 4 * seconds)
            }`,
          ),
        ),
    });
    this.workers = Array.from({ length: workers }, () => {
      const worker = startImageWorker({
        hear: (answer) => this.#hear(worker, answer as WorkerAnswer),
        fail: (reason) =>
          this.#fail(
            new DeviceError(
              sentence`A worker that prepares images has stopped (${reason}); if that happens again, ${FEWER}`,
            ),
          ),
      });
      return worker;
    });
  }

  /**
   * Takes a member.
   *
   * @param member Who it is.
   * @param images Its images.
   * @returns Its number.
   */
  open(member: TeamMember, images: Omit<OpenRequest, "kind" | "filler" | "budget">): number {
    const filler = this.#opened++, { bytes, words } = this.#budget;
    this.#members.set(filler, member);
    this.#send({ ...images, kind: "open", filler, budget: { bytes, words } });
    return filler;
  }

  /** Asks for a batch, which is waited for until {@link WorkerTeam.settle} is called. */
  fill(request: Omit<FillRequest, "kind">): void {
    this.#watch.begin();
    this.#send({ ...request, kind: "fill" });
  }

  /** A batch is no longer waited for. */
  settle(): void {
    this.#watch.end();
  }

  /** Lets a member go, which has settled all of its batches. With the last one the workers end. */
  close(filler: number): void {
    if (!this.#members.delete(filler)) return;
    if (this.#members.size === 0) this.#end();
    else this.#send({ kind: "close", filler });
  }

  #send(request: WorkerRequest): void {
    for (const worker of this.workers) worker.postMessage(request);
  }

  #hear(worker: ImageWorker, answer: WorkerAnswer): void {
    this.#answers++;
    this.#members.get(answer.filler)?.hear(worker, answer);
  }

  #fail(error: Error): void {
    const members = [...this.#members.values()];
    this.#members.clear();
    this.#end();
    for (const member of members) member.fail(error);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.stop();
    for (const worker of this.workers) worker.terminate();
    this.#onEnd();
  }
}
