/**
 * The live view of a training run, at the end of what the terminal shows. It begins with an empty line, on which the cursor
 * stays: whatever is printed comes above the view, `clear` takes all of it away, and a terminal may change its size, since
 * nothing depends on where the lines of the last drawing are now.
 */

import type { Callback, EpochEvent, MetricsLine, ProgressEvent, StartEvent, StepEvent } from "../../train/mod.ts";
import { formatCount, formatProgress } from "../reports/progress.ts";
import { History } from "./history.ts";
import { LEAST_COLUMNS, LEAST_ROWS, liveLines, type LiveState } from "./layout.ts";

/** What is trained, before it begins. */
export interface LiveRun {
  /** The network and the images. */
  readonly title: string;
  /** The backend, the adapter. */
  readonly work: string;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** What a run that goes on has logged. */
  readonly lines: readonly MetricsLine[];
  /** The epoch whose weights it keeps as the best, from 0, and its validation accuracy. */
  readonly best?: LiveState["best"];
  /** Whether the key q is heard. */
  readonly hearsKey: boolean;
  /** Aborted where the run was asked to stop. */
  readonly signal: AbortSignal;
}

/** Where the view is drawn. */
export interface LiveTerminal {
  /** Its size now. */
  size(): { readonly columns: number; readonly rows: number };
  /** Writes, at once. */
  write(text: string): void;
  /** Whether colours are wanted. */
  readonly colour: boolean;
}

/** The terminal of standard error. */
export function standardError(): LiveTerminal {
  return {
    size() {
      try {
        return Deno.consoleSize();
      } catch {
        // It was closed, or does not tell its size: a line is drawn.
        return { columns: LEAST_COLUMNS - 1, rows: LEAST_ROWS };
      }
    },
    write(text) {
      try {
        Deno.stderr.writeSync(new TextEncoder().encode(text));
      } catch {
        // It was closed; the run goes on.
      }
    },
    colour: !Deno.noColor,
  };
}

/** Milliseconds between drawings, and where the view is away or another phase begins. */
const INTERVAL = 250, SOON = 50;
/** The least weight of a step in the means. */
const SHARE = 0.05;
const ACTIVITIES = { statistics: "measuring", validation: "validating" } as const;

/** Hears of a run and draws. */
export class LiveView implements Callback, Disposable {
  readonly #terminal: LiveTerminal;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #curves = { loss: [new History(), new History()], accuracy: [new History(), new History()] } as const;
  #run: LiveRun | undefined;
  #start: StartEvent | undefined;
  #step: StepEvent | undefined;
  #steps = 0;
  #means = { loss: 0, top1: 0, secondsPerStep: 0 };
  #phase = "starting";
  #activity: (ProgressEvent & { readonly since: number }) | undefined;
  #best: LiveState["best"];
  /** When the last step of an epoch was heard of, and the seconds from there to the next epoch. */
  #lastStep = performance.now();
  #betweenEpochs = 0;
  #drawn = -Infinity;
  #size = "";
  #dirty = false;
  /** The rows that are drawn now. */
  #rows = 0;

  readonly #interval: number;
  readonly #soon: number;

  /**
   * @param terminal Where it is drawn. Defaults to standard error.
   * @param isSlow Whether drawings are to be far enough apart to cost next to nothing. Defaults to yes.
   */
  constructor(terminal: LiveTerminal = standardError(), isSlow = true) {
    this.#terminal = terminal;
    [this.#interval, this.#soon] = isSlow ? [INTERVAL, SOON] : [0, 0];
    // A step may take longer than a change of the phase or of the terminal's size may wait.
    this.#timer = setInterval(() => this.#tick(), INTERVAL);
  }

  /** Takes in what is trained. */
  describe(run: LiveRun): void {
    this.#run = run;
    this.#best = run.best;
    for (const line of run.lines) if (line.kind === "epoch") this.#take(line);
  }

  /** Takes in a run's start. */
  onStart(event: StartEvent): void {
    this.#start = event;
    this.#activity = undefined;
    this.#touch();
  }

  /** Takes in a step; the figures are means that follow the last twenty or so. */
  onStep(event: StepEvent): void {
    const share = Math.max(SHARE, 1 / ++this.#steps), means = this.#means;
    const follow = (mean: number, value: number) => mean + share * (value - mean);
    this.#means = {
      loss: follow(means.loss, event.loss),
      top1: follow(means.top1, event.top1),
      secondsPerStep: follow(means.secondsPerStep, event.batch / event.imagesPerSecond),
    };
    this.#step = event;
    this.#phase = "training";
    this.#activity = undefined;
    this.#lastStep = performance.now();
    const epoch = event.step / this.#run!.stepsPerEpoch;
    // The means: single batches differ by more than an epoch changes.
    this.#curves.loss[0].add(epoch, this.#means.loss);
    this.#curves.accuracy[0].add(epoch, this.#means.top1);
    this.#touch();
  }

  /** Takes in how far measuring or validation is. */
  onProgress(event: ProgressEvent): void {
    const last = this.#activity, now = performance.now();
    const goesOn = last?.activity === event.activity && last.done < event.done;
    // A validation begins where the steps end.
    const began = event.activity === "validation" ? this.#lastStep : now;
    this.#activity = { ...event, since: goesOn ? last.since : began };
    this.#phase = ACTIVITIES[event.activity];
    this.#touch();
  }

  /** The epoch is validated, and will be saved. */
  onValidation(): void {
    this.#phase = "saving";
    this.#activity = undefined;
    this.#touch(this.#soon);
  }

  /** Takes in an epoch that is saved. */
  onEpoch({ epoch, validation, isBest, trainLoss, trainTop1 }: EpochEvent): void {
    this.#betweenEpochs = (performance.now() - this.#lastStep) / 1000;
    this.#take({ epoch, valLoss: validation.loss, valTop1: validation.top1, trainLoss, trainTop1 }, true);
    // Not always the highest: of those that differ by chance training keeps the latest.
    if (isBest) this.#best = { epoch, top1: validation.top1 };
    this.#touch();
  }

  /** Takes the view away, so that other output stands alone, until something happens again. */
  clear(): void {
    if (this.#rows === 0) return;
    // Not from the first line: where that is the screen's first, tmux would keep what is cleared.
    this.#terminal.write(this.#rows === 1 ? "\r\x1b[K" : "\r\x1b[K\n\x1b[J\x1b[A\r");
    this.#rows = 0;
    // Drawn again by the timer, unless something happens before.
    this.#dirty = true;
  }

  /** Takes the view away for good. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.clear();
    this.#dirty = false;
    this.#run = undefined;
    this.#activity = undefined;
  }

  /** An epoch's points; those of training are there already where its steps were heard of. */
  #take(
    line: Pick<Extract<MetricsLine, { kind: "epoch" }>, "epoch" | "trainLoss" | "trainTop1" | "valLoss" | "valTop1">,
    heard = false,
  ): void {
    const { loss, accuracy } = this.#curves, x = line.epoch + 1;
    if (!heard) {
      loss[0].add(x, line.trainLoss);
      accuracy[0].add(x, line.trainTop1);
    }
    loss[1].add(x, line.valLoss);
    accuracy[1].add(x, line.valTop1);
  }

  #touch(wait = this.#rows === 0 ? this.#soon : this.#interval): void {
    this.#dirty = true;
    if (performance.now() - this.#drawn >= wait) this.#draw();
  }

  #tick(): void {
    const { columns, rows } = this.#terminal.size();
    // Deno wipes the screen from the cursor on when a worker loads its modules: what is drawn is drawn anew.
    if (this.#dirty || this.#rows > 0 || `${columns} ${rows}` !== this.#size) this.#draw();
  }

  #draw(): void {
    const { columns, rows } = this.#terminal.size(), lines = this.#lines(columns, rows);
    this.#size = `${columns} ${rows}`;
    this.#drawn = performance.now();
    this.#dirty = false;
    if (lines.length === 0) return this.clear();
    const back = lines.length === 1 ? "" : `\x1b[${lines.length - 1}A\r`;
    // Terminals that know ?2026 show all of it at once.
    this.#terminal.write(`\x1b[?2026h\r${lines.join("\x1b[K\r\n")}\x1b[J${back}\x1b[?2026l`);
    this.#rows = lines.length;
  }

  #lines(columns: number, rows: number): string[] {
    const state = this.#state();
    if (state !== undefined && columns >= LEAST_COLUMNS && rows >= LEAST_ROWS) {
      return liveLines(state, columns, rows, this.#terminal.colour);
    }
    if (this.#activity !== undefined) {
      const { activity, done, total, since } = this.#activity, seconds = (performance.now() - since) / 1000;
      return [formatCount(ACTIVITIES[activity], done, total, seconds, columns - 1)];
    }
    if (state?.figures === undefined) return [];
    const { figures: { loss, top1, imagesPerSecond, runLeft: secondsLeft }, step, totalSteps, epoch } = state;
    return [formatProgress({ step, totalSteps, epoch, loss, top1, imagesPerSecond, secondsLeft }, columns - 1)];
  }

  #state(): LiveState | undefined {
    if (this.#run === undefined || this.#start === undefined) return undefined;
    const { stepsPerEpoch, epochs, signal } = this.#run, { totalSteps, memory } = this.#start, last = this.#step;
    const step = last?.step ?? this.#start.steps,
      epoch = Math.min(epochs - 1, last?.epoch ?? Math.floor(step / stepsPerEpoch));
    const stepInEpoch = step - epoch * stepsPerEpoch,
      epochSteps = Math.min(stepsPerEpoch, totalSteps - epoch * stepsPerEpoch);
    const counts = this.#activity === undefined
      ? { done: stepInEpoch, total: epochSteps, unit: "steps" } as const
      : { done: this.#activity.done, total: this.#activity.total, unit: "images" } as const;
    const curves = ([training, validation]: readonly [History, History]) => ({
      training: training.points,
      validation: validation.points,
    });
    return {
      ...this.#run,
      memory: memory.total,
      epoch,
      phase: this.#phase,
      ...counts,
      step,
      totalSteps,
      figures: last && { ...this.#figures(last, epochSteps - stepInEpoch, totalSteps - step) },
      best: this.#best,
      loss: curves(this.#curves.loss),
      accuracy: curves(this.#curves.accuracy),
      stopping: signal.aborted,
    };
  }

  /** Means, and what is left by them: steps, and the validations that end epochs once one was timed. */
  #figures({ rate, batch }: StepEvent, epochSteps: number, runSteps: number): NonNullable<LiveState["figures"]> {
    const { loss, top1, secondsPerStep } = this.#means, validations = Math.ceil(runSteps / this.#run!.stepsPerEpoch);
    const begun = epochSteps > 0 ? 0 : (performance.now() - this.#lastStep) / 1000;
    const betweenEpochs = Math.max(0, this.#betweenEpochs - begun);
    return {
      loss,
      top1,
      rate,
      imagesPerSecond: batch / secondsPerStep,
      epochLeft: epochSteps * secondsPerStep + betweenEpochs,
      runLeft: runSteps * secondsPerStep + validations * this.#betweenEpochs + (epochSteps > 0 ? 0 : betweenEpochs),
    };
  }
}
