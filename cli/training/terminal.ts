/** The terminal's side of a run: what it shows and says, and how it asks the run to stop. */

import type { Callback } from "../../train/mod.ts";
import { Interrupt } from "../interrupt.ts";
import { StopKey } from "../live/stop_key.ts";
import { type LiveRun, LiveView } from "../live/view.ts";
import { isFirst, type Ranks } from "../mpi/ranks.ts";
import type { ChosenValues } from "../options/chosen_values.ts";
import { printNotice, printText } from "../reports/layout.ts";
import { ProgressLine } from "../reports/progress.ts";
import { TrainWarnings } from "../reports/train_warnings.ts";
import { StopRequests } from "../stop_request.ts";

/** A run as its terminal shows it: what the terminal itself does not know. */
export type ShownRun = Omit<LiveRun, "hearsKey" | "signal">;

/** The terminal of a run. Of several ranks the first one has it, and nothing that others say is seen. */
export class RunTerminal implements Disposable {
  /** What shows how far the run is: the live view, or a line. */
  readonly line: LiveView | ProgressLine;
  /** What warns where a run will not learn. */
  readonly warnings: Callback;
  /** Whether what is done is shown while it lasts. */
  readonly showsProgress: boolean;
  readonly #isFirst: boolean;
  readonly #json: boolean;
  readonly #interrupt: Interrupt;
  readonly #key: StopKey | undefined;
  readonly #resources: DisposableStack;

  /**
   * @param values The options that say how visible a run is.
   * @param location The run folder, in which another program may ask the run to stop.
   * @param classes How many classes there are, for warnings.
   */
  constructor(
    { json, progress, plain }: Pick<ChosenValues, "json" | "progress" | "plain">,
    { location, ranks, classes }: { readonly location: string; readonly ranks: Ranks; readonly classes: number },
  ) {
    this.#isFirst = isFirst(ranks);
    this.#json = json;
    this.showsProgress = progress && !json && this.#isFirst;
    const isLive = this.showsProgress && !plain && Deno.stderr.isTerminal();
    using made = new DisposableStack();
    this.line = made.use(isLive ? new LiveView() : new ProgressLine(this.showsProgress, () => ranks?.waitingShare));
    this.#interrupt = made.use(
      new Interrupt(() => this.#notice("Finishing the step and saving; interrupt again to leave at once.")),
    );
    const stop = () => this.#interrupt.stop();
    if (this.#isFirst) made.use(new StopRequests(location, stop));
    this.warnings = new TrainWarnings(classes, (text) => this.warn(text));
    this.#key = isLive ? made.use(new StopKey(stop)) : undefined;
    this.#resources = made.move();
  }

  /** Aborted where the run was asked to stop. */
  get signal(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** What hears of a test of rates: the live view has nothing to show of it. */
  get testListeners(): readonly Callback[] {
    return this.line instanceof LiveView ? [] : [this.line];
  }

  /** Says something to people; results as JSON are for programs, and stand alone. */
  say(text: string): void {
    if (!this.#json) this.print(text, printText);
  }

  /** Prints a result. */
  print(text: string, how: (text: string) => void = console.log): void {
    this.line.clear();
    if (this.#isFirst) how(text);
  }

  /** Warns, whatever the results are printed as. */
  warn(text: string): void {
    this.#notice(`warning: ${text}`);
  }

  /** Tells the live view, if there is one, what is trained. */
  async show(run: () => Promise<ShownRun>): Promise<void> {
    if (!(this.line instanceof LiveView)) return;
    this.line.describe({ ...await run(), hearsKey: this.#key?.isHeard ?? false, signal: this.signal });
  }

  /** Takes away what is shown, and hears nothing more. */
  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  #notice(text: string): void {
    this.print(text, printNotice);
  }
}
