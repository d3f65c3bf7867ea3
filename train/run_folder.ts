/** The files of a run. What touches the disk is a {@link RunStore}, which the caller brings. */

import type { Checkpoint, CheckpointInfo } from "./checkpoint.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import type { NamedTensor } from "./safetensors.ts";

/** A place for a run's files. */
export interface RunStore {
  /** Where it is, for messages. */
  readonly location: string;
  /** Replaces a file as a whole: a reader sees the old content or the new, whatever happens in between. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end of a file. */
  append(name: string, text: string): Promise<void>;
  /** The content of a file, or nothing if there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
}

/** One line of `metrics.jsonl`. */
export type MetricsLine =
  | {
    readonly kind: "step";
    readonly step: number;
    readonly epoch: number;
    readonly loss: number;
    readonly lr: number;
    readonly imagesPerSecond: number;
  }
  | {
    readonly kind: "epoch";
    readonly epoch: number;
    readonly trainLoss: number;
    readonly trainTop1: number;
    readonly valLoss: number;
    readonly valTop1: number;
    readonly lr: number;
    readonly seconds: number;
  };

const METRICS = "metrics.jsonl";

/** The files of a run, by what they are for. */
export class RunFolder {
  readonly #store: RunStore;
  #pending = "";

  /** Uses a store. */
  constructor(store: RunStore) {
    this.#store = store;
  }

  /** Writes `config.json`. */
  async writeConfig(config: unknown): Promise<void> {
    await this.#store.write("config.json", new TextEncoder().encode(JSON.stringify(config, null, 2) + "\n"));
  }

  /** Adds a line to `metrics.jsonl`; it reaches the store at the next {@link RunFolder.flush}. */
  log(line: MetricsLine): void {
    this.#pending += JSON.stringify(line) + "\n";
  }

  /** Writes the lines that wait. */
  async flush(): Promise<void> {
    if (this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    await this.#store.append(METRICS, text);
  }

  /** Drops the lines of `metrics.jsonl` that come after so many epochs: a run that was killed had begun the next one. */
  async keepEpochs(epochs: number): Promise<void> {
    const bytes = await this.#store.read(METRICS);
    if (bytes === undefined) return;
    const kept = new TextDecoder().decode(bytes).split("\n").filter((line) => {
      try {
        return (JSON.parse(line) as MetricsLine).epoch < epochs;
      } catch {
        return false;
      }
    });
    await this.#store.write(METRICS, new TextEncoder().encode(kept.map((line) => line + "\n").join("")));
  }

  /** Writes `last.safetensors` or `best.safetensors`. */
  async save(which: "last" | "best", tensors: ReadonlyMap<string, NamedTensor>, info: CheckpointInfo): Promise<void> {
    await this.#store.write(`${which}.safetensors`, encodeCheckpoint(tensors, info));
  }

  /** Reads one of them, or nothing if there is none. */
  async load(which: "last" | "best"): Promise<Checkpoint | undefined> {
    const name = `${which}.safetensors`, bytes = await this.#store.read(name);
    return bytes === undefined ? undefined : decodeCheckpoint(bytes, `${this.#store.location}/${name}`);
  }
}
