/** The files of a run, in a {@link RunStore} that the caller brings, which alone touches the disk. */

import { argument, DataError, sentence } from "../core/mod.ts";
import { findMetricsFault, type MetricsLine } from "./metrics_line.ts";
import { formatAnswers, parseAnswers, type ValidationAnswers } from "./validation_answers.ts";
import {
  type Checkpoint,
  type CheckpointInfo,
  decodeCheckpoint,
  encodeCheckpoint,
  evaluatedTensors,
  expectFiniteTensor,
  findProgressFault,
  type NamedTensor,
  type Progress,
} from "../weights/mod.ts";

/** A store of a run's files. */
export interface RunStore {
  /** The store's path, for messages. */
  readonly location: string;
  /** Replaces a file as a whole: a reader sees the old content or the new, whatever happens in between. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end of a file. */
  append(name: string, text: string): Promise<void>;
  /** The content of a file; nothing if there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Makes the file `to` hold what the file `from` holds, as a whole, as {@link RunStore.write} does. Nothing happens if there is none. */
  copy(from: string, to: string): Promise<void>;
  /** Removes a file, if there is one. */
  remove(name: string): Promise<void>;
}

/** A checkpoint to go on from. */
export interface ResumableCheckpoint extends Checkpoint {
  /** The checkpoint's metadata. */
  readonly info: CheckpointInfo & { readonly progress: Progress };
  /** The checkpoint's file, for messages. */
  readonly source: string;
  /** Why the last checkpoint could not be used, where this is the one before it. */
  readonly damage?: string;
}

const METRICS = "metrics.jsonl",
  LAST = "last.safetensors",
  PREVIOUS = "previous.safetensors",
  BEST = "best.safetensors",
  VALIDATION = "validation.json";

const NEWLINE = 10, LONGEST_LINE = 4096;
/** As many as MobileNet-V2's recipe takes steps on ImageNet's images. */
const MOST_LINES = 4_500_000;
/** A process that is killed leaves one; a file of more is none of a run, and to pass over millions takes minutes. */
const MOST_BROKEN_LINES = 10_000;

/** What a line of `metrics.jsonl` holds; nothing if it is not whole, or longer than any. */
function parseLine(bytes: Uint8Array): unknown {
  if (bytes.length === 0 || bytes.length > LONGEST_LINE) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * The files of a run, by purpose.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, RunFolder, type RunStore, shapesSet } from "@residua/residua";
 * const files = new Map<string, Uint8Array>(), text = (name: string) => new TextDecoder().decode(files.get(name));
 * const store: RunStore = {
 *   location: "memory",
 *   write: async (name, bytes) => void files.set(name, bytes),
 *   append: async (name, more) => void files.set(name, new TextEncoder().encode(text(name) + more)),
 *   read: async (name) => files.get(name),
 *   copy: async (from, to) => void (files.has(from) && files.set(to, files.get(from)!)),
 *   remove: async (name) => void files.delete(name),
 * };
 * const folder = new RunFolder(store), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * using backend = await openBackend("cpu");
 * await fit({ model: modelByName("resnet8"), backend, set, epochs: 1, batch: 20, folder });
 * console.log([...files.keys()].sort()); // [ "best.safetensors", "last.safetensors", "metrics.jsonl", "validation.json" ]
 * console.log((await folder.resume())?.info.progress.steps); // 2
 * ```
 */
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

  /**
   * Reads `metrics.jsonl`. A line that is not whole is left out: the run was killed while it was written.
   *
   * @throws {DataError} If a line is whole and of something else: which, and what was expected. If there are more lines than
   * any run writes.
   */
  async readMetrics(): Promise<MetricsLine[]> {
    const bytes = await this.#store.read(METRICS) ?? new Uint8Array(), lines: MetricsLine[] = [];
    const refuse = (what: string): never => {
      throw new DataError(`${this.#store.location}/${METRICS}: ${what}`);
    };
    let broken = 0;
    for (let at = 0, end, number = 1; at < bytes.length; at = end + 1, number++) {
      if (number > MOST_LINES) refuse(`expected at most ${MOST_LINES} lines; move the file elsewhere to go on`);
      end = bytes.indexOf(NEWLINE, at);
      if (end < 0) end = bytes.length;
      const line = parseLine(bytes.subarray(at, end));
      if (line === undefined) {
        if (++broken > MOST_BROKEN_LINES) {
          refuse(
            `more than ${MOST_BROKEN_LINES} lines are not whole, so it is none of a run; move it elsewhere to go on`,
          );
        }
        continue;
      }
      const fault = findMetricsFault(line);
      if (fault !== undefined) refuse(`${fault}, in line ${number}; take that line out`);
      lines.push(line as MetricsLine);
    }
    return lines;
  }

  /** Drops the lines of `metrics.jsonl` that a checkpoint does not know of: the run went on after it, and was killed. */
  async cutMetrics({ epochs, steps }: Pick<Progress, "epochs" | "steps">): Promise<void> {
    if (await this.#store.read(METRICS) === undefined) return;
    const lines = await this.readMetrics();
    const kept = lines.filter((line) => line.kind === "step" ? line.step <= steps : line.epoch < epochs);
    await this.#store.write(
      METRICS,
      new TextEncoder().encode(kept.map((line) => JSON.stringify(line) + "\n").join("")),
    );
  }

  /**
   * Writes `validation.json`: what the best network said of each validation image. It is written before the checkpoint, from
   * which it could not be made again; a run that is killed in between repeats the epoch.
   */
  async saveValidation(answers: ValidationAnswers): Promise<void> {
    await this.#store.write(VALIDATION, new TextEncoder().encode(formatAnswers(answers)));
  }

  /**
   * Reads `validation.json`; nothing if no epoch has been the best yet, or an older version trained there.
   *
   * @throws {DataError} If the file is something else: which field, and what was expected.
   */
  async readValidation(): Promise<ValidationAnswers | undefined> {
    const bytes = await this.#store.read(VALIDATION);
    return bytes === undefined ? undefined : parseAnswers(bytes, `${this.#store.location}/${VALIDATION}`);
  }

  /** Writes `last.safetensors`; what it held becomes `previous.safetensors`. */
  async saveLast(tensors: ReadonlyMap<string, NamedTensor>, info: CheckpointInfo): Promise<void> {
    const bytes = encodeCheckpoint(tensors, info);
    await this.#store.copy(LAST, PREVIOUS);
    await this.#store.write(LAST, bytes);
  }

  /**
   * Keeps the last checkpoint as that of an epoch, and removes the one that was kept `keep` epochs before.
   *
   * @param epochs The epochs that are done.
   * @param keep The number of such files.
   */
  async keepLast(epochs: number, keep: number): Promise<void> {
    if (keep < 1) return;
    await this.#store.copy(LAST, epochName(epochs));
    if (epochs > keep) await this.#store.remove(epochName(epochs - keep));
  }

  /**
   * Makes what follows from the last checkpoint, where its weights were validated: the best one, if it is that, and that of its
   * epoch. It changes nothing where both are there, so that a run that was killed before they were is put right by it.
   *
   * @param tensors The last checkpoint's.
   * @param info Its metadata.
   * @param keep The number of epochs whose checkpoints are kept. Defaults to 0.
   */
  async complete(tensors: ReadonlyMap<string, NamedTensor>, info: CheckpointInfo, keep = 0): Promise<void> {
    const { progress, ...rest } = info;
    if (progress?.validated === undefined) return;
    const { epoch, isBest } = progress.validated;
    if (isBest) {
      const bytes = encodeCheckpoint(evaluatedTensors(tensors, `${this.#store.location}/${LAST}`), rest);
      if (!sameBytes(bytes, await this.#store.read(BEST))) await this.#store.write(BEST, bytes);
    }
    await this.keepLast(epoch, keep);
  }

  /** Reads `last.safetensors` or `best.safetensors`, or nothing if there is none. */
  async load(which: "last" | "best"): Promise<Checkpoint | undefined> {
    return await this.#read(which === "last" ? LAST : BEST);
  }

  /**
   * Reads the checkpoint to go on from: the last one, or the one before it if the last is damaged or missing, which then takes
   * its place. Nothing if no run has been saved there.
   *
   * @throws {DataError} If neither can be used, or both are gone from a run whose best checkpoint is there.
   */
  async resume(): Promise<ResumableCheckpoint | undefined> {
    let problem: unknown;
    try {
      const last = await this.#readResumable(LAST);
      if (last !== undefined) return last;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problem = error;
    }
    const previous = await this.#readResumable(PREVIOUS).catch(() => undefined);
    if (previous === undefined) {
      if (problem !== undefined) throw problem;
      await this.#expectNoBest();
      return undefined;
    }
    // At once: the next save makes the last checkpoint the previous one, and the previous one is all there is.
    await this.#store.copy(PREVIOUS, LAST);
    const damage = (problem as DataError | undefined)?.message ?? `${this.#store.location}/${LAST} is missing`;
    return { ...previous, damage };
  }

  async #read(name: string): Promise<Checkpoint | undefined> {
    const bytes = await this.#store.read(name);
    return bytes === undefined ? undefined : decodeCheckpoint(bytes, `${this.#store.location}/${name}`);
  }

  async #readResumable(name: string): Promise<ResumableCheckpoint | undefined> {
    const checkpoint = await this.#read(name), source = `${this.#store.location}/${name}`;
    if (checkpoint === undefined) return undefined;
    const { info, tensors } = checkpoint, progress = info?.progress;
    if (info === undefined || progress === undefined) {
      throw new DataError(
        sentence`${source}: the file does not say where its run stood, so it cannot be resumed; use ${
          argument("initial")
        } to start from its weights`,
      );
    }
    const fault = findProgressFault(progress);
    if (fault !== undefined) {
      throw new DataError(
        sentence`${source}: ${fault}; the file was changed or is damaged, so it cannot be resumed; use ${
          argument("initial")
        } to start from its weights`,
      );
    }
    for (const [name, tensor] of tensors) expectFiniteTensor(name, tensor, source);
    return { ...checkpoint, info: { ...info, progress }, source };
  }

  /** A run that begins again would put its own best checkpoint in the place of one that cannot be made again. */
  async #expectNoBest(): Promise<void> {
    if (await this.#store.read(BEST) === undefined) return;
    const { location } = this.#store;
    throw new DataError(
      sentence`${location} holds the ${BEST} of a run whose ${LAST} is gone: that run cannot go on, and another would ${sentence`overwrite it; choose another folder, and use ${
        argument("initial")
      } to start from its weights`}`,
    );
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array | undefined): boolean {
  if (one.length !== other?.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

function epochName(epochs: number): string {
  return `epoch-${String(epochs).padStart(4, "0")}.safetensors`;
}
