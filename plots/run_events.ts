/** Writes a run's numbers for TensorBoard as it goes on, into a file of its own. */

import process from "node:process";
import type { Callback, EpochEvent, RunStore, StepEvent } from "../train/mod.ts";
import { whyNotLoaded } from "../files/mod.ts";
import type { ScalarEvent } from "./event_file.ts";

/** Milliseconds after which waiting numbers are written. */
const INTERVAL = 5000;

/** No literal where it is imported, so that Deno fetches the packages that it needs only then. */
const FORMAT = "./event_file.ts";

/** Where an event file goes, such as the store of a run folder on the disk. */
export interface EventStore extends Pick<RunStore, "write"> {
  /** Adds to the end of a file. */
  append(name: string, bytes: Uint8Array): Promise<void>;
}

/** A listener that writes. Where the packages for it cannot be had, it says so once, and the run goes on without. */
export class RunEvents implements Callback {
  readonly #store: EventStore;
  // TensorBoard orders files by the second; the last part tells those of one second and one process apart.
  readonly #name = `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${process.pid}.${
    crypto.randomUUID().slice(0, 8)
  }`;
  #format: typeof import("./event_file.ts") | undefined;
  #waiting: ScalarEvent[] = [];
  #writing: Promise<void> = Promise.resolve();
  #written = performance.now();
  #step = 0;

  /**
   * Names a file that no other run has, and writes nothing yet.
   *
   * @param store Where the file goes.
   */
  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Begins the file. */
  async onStart({ steps }: { readonly steps: number }): Promise<void> {
    this.#step = steps;
    try {
      this.#format = await import(FORMAT) as typeof import("./event_file.ts");
    } catch (error) {
      console.error(`warning: no TensorBoard file is written: ${whyNotLoaded(error)}`);
      return;
    }
    await this.#store.write(this.#name, this.#format.fileHead(Date.now() / 1000, steps + 1));
  }

  /** Takes in a step. */
  onStep({ step, loss, top1, rate }: StepEvent): void {
    this.#step = step;
    this.#add({ "train/loss": loss, "train/accuracy": top1, "train/learning rate": rate });
    if (performance.now() - this.#written >= INTERVAL) this.#write();
  }

  /** Takes in an epoch and writes what waits, before the epoch is saved. */
  async onValidation({ validation }: EpochEvent): Promise<void> {
    this.#add({ "validation/loss": validation.loss, "validation/accuracy": validation.top1 });
    await this.flush();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #add(scalars: Record<string, number>): void {
    if (this.#format !== undefined) this.#waiting.push({ time: Date.now() / 1000, step: this.#step, scalars });
  }

  #write(): void {
    if (this.#format === undefined || this.#waiting.length === 0) return;
    const bytes = this.#format.scalarRecords(this.#waiting);
    this.#waiting = [];
    this.#written = performance.now();
    this.#writing = this.#writing.then(() => this.#store.append(this.#name, bytes));
    // What goes wrong is raised by the next flush.
    this.#writing.catch(() => {});
  }
}
