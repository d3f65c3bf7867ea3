/** What the dashboard knows of a run: its options, its curves, how it stands. */

import { findMetricsFault, type MetricsLine } from "../../train/mod.ts";
import { BEGINNING, type LogPlace, type ReadLines } from "./read_tail.ts";
import type { StoredRun } from "./run_index.ts";
import { StepSeries } from "./step_series.ts";

/** An epoch of a run. */
export interface EpochRow {
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The last step before its end. */
  readonly step: number;
  readonly trainLoss: number;
  readonly trainTop1: number;
  readonly valLoss: number | null;
  readonly valTop1: number | null;
  readonly lr: number | null;
  readonly seconds: number;
}

/** How a run stands. */
export type RunStatus = "running" | "finished" | "ended early" | "stopped" | "failed";

/** A run as the list shows it. */
export interface RunSummary {
  /** Its path below the folder of runs, by which it is asked for. */
  readonly path: string;
  readonly status: RunStatus;
  readonly model: string | undefined;
  readonly data: string | undefined;
  /** The epochs that are done, and those that were asked for. */
  readonly epochsDone: number;
  readonly epochs: number | undefined;
  readonly steps: number;
  /** The highest validation accuracy and its epoch, from 0: of equal ones the latest. */
  readonly best: { readonly top1: number; readonly epoch: number } | undefined;
  /** The last epoch's. */
  readonly valLoss: number | null;
  readonly trainLoss: number | null;
  readonly imagesPerSecond: number | null;
  /** When it was last written to, in milliseconds since 1970. */
  readonly changed: number;
  /** Seconds of its epochs together. */
  readonly seconds: number;
  /** Whether all that there is was read. */
  readonly isRead: boolean;
  /** What cannot be read of it. */
  readonly fault: string | undefined;
  /** Grows with each change. */
  readonly version: number;
}

/** The part of a run's options that is shown in the list. */
interface Facts {
  readonly config: Readonly<Record<string, unknown>>;
  /** By what the file of the options is known again. */
  readonly configKey: string;
  readonly steps: number;
  readonly imagesPerSecond: number | null;
  readonly fault: string | undefined;
  readonly configFault?: string | undefined;
}

/** How fast the shown rate follows that of the last step. */
const FOLLOW = 0.1;

/** A run. */
export class Run {
  /** Its path below the folder of runs. */
  readonly path: string;
  /** How far its metrics are read. */
  place: LogPlace = BEGINNING;
  /** Its options, as its `config.json` has them. */
  config: Readonly<Record<string, unknown>> = {};
  configKey = "";
  /** Why they cannot be read. */
  configFault: string | undefined;
  /** With which sentence it failed in a sweep, if it did. */
  failure: string | undefined;
  /** Whether a process has it. */
  isHeld = false;
  /** By what a lock is known again that was left, and that nobody had. */
  freeLock = "";
  changed = 0;
  isRead = false;
  /** Whether the index lacks something of it. */
  isDirty = true;
  #series = new StepSeries();
  #epochs: EpochRow[] = [];
  #steps = 0;
  #imagesPerSecond: number | null = null;
  #fault: string | undefined;
  #version = 0;
  #generation = 0;

  /** A run of which nothing is known, or what the index has. */
  constructor(path: string, stored?: StoredRun) {
    this.path = path;
    if (stored === undefined) return;
    const facts: Facts = JSON.parse(stored.facts);
    this.place = stored.place;
    this.config = facts.config;
    this.configKey = facts.configKey;
    this.configFault = facts.configFault;
    this.isDirty = false;
    this.#series = new StepSeries(stored.steps);
    this.#epochs = [...stored.epochs];
    this.#steps = facts.steps;
    this.#imagesPerSecond = facts.imagesPerSecond;
    this.#fault = facts.fault;
  }

  get series(): StepSeries {
    return this.#series;
  }

  get epochs(): readonly EpochRow[] {
    return this.#epochs;
  }

  /** How often its log was begun anew: its curves are others then. */
  get generation(): number {
    return this.#generation;
  }

  /** Says that something changed. */
  touch(): void {
    this.#version++;
  }

  /** Takes in what was read of its metrics. */
  take({ lines, place, restarted }: ReadLines): void {
    if (restarted) {
      this.#series = new StepSeries();
      this.#epochs = [];
      this.#steps = 0;
      this.#fault = undefined;
      this.#generation++;
    }
    this.place = place;
    for (const text of lines) this.#takeLine(text);
    if (lines.length === 0 && !restarted) return;
    this.isDirty = true;
    this.touch();
  }

  #takeLine(text: string): void {
    let line: MetricsLine;
    try {
      line = JSON.parse(text);
    } catch {
      // The run was killed while it wrote it.
      return;
    }
    const fault = findMetricsFault(line);
    if (fault !== undefined) this.#fault ??= `metrics.jsonl: ${fault}`;
    else if (line.kind === "step") {
      this.#series.add(line);
      this.#steps = line.step;
      const { imagesPerSecond: now } = line, before = this.#imagesPerSecond;
      if (now !== null) this.#imagesPerSecond = before === null ? now : before + FOLLOW * (now - before);
    } else {
      const { kind: _, ...row } = line;
      // An epoch that is done again after a stop stands for the one before.
      while (this.#epochs.length > 0 && this.#epochs.at(-1)!.epoch >= row.epoch) this.#epochs.pop();
      this.#epochs.push({ ...row, step: this.#steps });
    }
  }

  /** As the list shows it. */
  summary(): RunSummary {
    const last = this.#epochs.at(-1), { config } = this;
    let best: RunSummary["best"];
    // Of equal ones the latest. Training may keep a later one still, that is lower by chance alone.
    for (const { epoch, valTop1 } of this.#epochs) {
      if (valTop1 !== null && valTop1 >= (best?.top1 ?? -1)) best = { top1: valTop1, epoch };
    }
    return {
      path: this.path,
      status: this.#status(),
      model: text(config.model),
      data: text(config["train-list"]) ?? text(config.data),
      epochsDone: last === undefined ? 0 : last.epoch + 1,
      epochs: number(config.epochs),
      steps: this.#steps,
      best,
      valLoss: last?.valLoss ?? null,
      trainLoss: last?.trainLoss ?? null,
      imagesPerSecond: this.#imagesPerSecond,
      changed: this.changed,
      seconds: this.#epochs.reduce((sum, { seconds }) => sum + seconds, 0),
      isRead: this.isRead,
      fault: this.configFault ?? this.failure ?? this.#fault,
      version: this.#version,
    };
  }

  /** The epochs since one had a higher accuracy than all before, or the highest with a lower loss, as training counts them. */
  #staleEpochs(): number {
    let stale = 0, top1 = -1, loss = Infinity;
    for (const { valTop1, valLoss } of this.#epochs) {
      if (valTop1 === null) continue;
      stale++;
      if (valTop1 > top1 || (valTop1 === top1 && (valLoss ?? Infinity) < loss)) {
        [stale, top1, loss] = [0, valTop1, valLoss ?? Infinity];
      }
    }
    return stale;
  }

  #status(): RunStatus {
    if (this.isHeld) return "running";
    if (this.failure !== undefined) return "failed";
    const { config } = this, last = this.#epochs.at(-1), patience = number(config["early-stop"]);
    const done = last === undefined ? 0 : last.epoch + 1, steps = number(config.steps);
    if (done >= (number(config.epochs) ?? Infinity) || (steps !== undefined && this.#steps >= steps)) return "finished";
    return patience !== undefined && this.#staleEpochs() >= patience ? "ended early" : "stopped";
  }

  /** What the index keeps. */
  stored(): StoredRun {
    const facts: Facts = {
      config: this.config,
      configKey: this.configKey,
      steps: this.#steps,
      imagesPerSecond: this.#imagesPerSecond,
      fault: this.#fault,
      configFault: this.configFault,
    };
    return {
      path: this.path,
      place: this.place,
      epochs: this.#epochs,
      steps: this.#series.bytes(),
      facts: JSON.stringify(facts),
    };
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
