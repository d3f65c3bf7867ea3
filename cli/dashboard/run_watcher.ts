/** Keeps what is known of the runs in a folder up to it: what is new is found by looking, since not every disk can tell. */

import { objectField } from "../../core/mod.ts";
import { lockState, readJsonIfThere } from "../../files/mod.ts";
import { messageOf } from "../error_message.ts";
import { FAILURE, readFailure } from "../sweep/trial_state.ts";
import { CONFIG, findRuns, METRICS, runFile } from "./find_runs.ts";
import { readTail } from "./read_tail.ts";
import { Run, type RunSummary } from "./run.ts";
import type { RunIndex } from "./run_index.ts";

/** What listeners hear. */
export type RunChange =
  | { readonly kind: "run"; readonly run: RunSummary }
  | { readonly kind: "gone"; readonly path: string };

/** The options of {@link RunWatcher}. */
export interface WatcherOptions {
  /** The folder of runs, as the system names it. */
  readonly root: string;
  readonly index: RunIndex;
  /** Milliseconds between looks at runs that are going on; 0 for none but those of `look()`. Defaults to 1000. */
  readonly interval?: number;
  /** Hears of what is left out. */
  readonly onNotice?: (text: string) => void;
}

const INTERVAL = 1000;
/** Looks after which all runs are looked at, and new ones for, and after which the index is written. */
const ALL_EVERY = 5, SAVE_EVERY = 10;
/** How much longer than it takes to find all runs it is not done again. */
const IDLE = 50;
/** Milliseconds after its last change for which a run is looked at each time. */
const RECENT = 60_000;

/** Milliseconds without a change after which a run is taken to have ended whose process nobody here may ask for. */
const SILENT = 600_000;

/** Watches runs while somebody looks. */
export class RunWatcher implements AsyncDisposable {
  readonly #options: WatcherOptions;
  readonly #runs = new Map<string, Run>();
  readonly #listeners = new Set<(change: RunChange) => void>();
  #looks = 0;
  #nextForAll = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;
  #wasCut = false;

  private constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Finds the runs, and takes from the index what it has of them. Nothing else is read yet. */
  static async open(options: WatcherOptions): Promise<RunWatcher> {
    const watcher = new RunWatcher(options), stored = new Map(options.index.runs().map((run) => [run.path, run]));
    for (const path of await watcher.#find()) watcher.#runs.set(path, new Run(path, stored.get(path)));
    options.index.remove([...stored.keys()].filter((path) => !watcher.#runs.has(path)));
    await Promise.all([...watcher.#runs.values()].map((run) => watcher.#readState(run)));
    return watcher;
  }

  /** The folder of runs. */
  get root(): string {
    return this.#options.root;
  }

  /** A run, if there is such a one. */
  find(path: string): Run | undefined {
    return this.#runs.get(path);
  }

  /** All runs, those that were written to last first. */
  summaries(): RunSummary[] {
    return [...this.#runs.values()].map((run) => run.summary()).sort((a, b) =>
      b.changed - a.changed || (a.path < b.path ? -1 : 1)
    );
  }

  /** Hears of changes, until what is returned is called. Runs are looked at while somebody listens. */
  listen(listener: (change: RunChange) => void): () => void {
    this.#listeners.add(listener);
    this.#schedule(0);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #schedule(delay: number): void {
    const { interval = INTERVAL } = this.#options;
    if (interval === 0 || this.#timer !== undefined || this.#looking !== undefined || this.#closed) return;
    this.#timer = setTimeout(async () => {
      this.#timer = undefined;
      this.#looking = this.look();
      await this.#looking;
      this.#looking = undefined;
      if (this.#listeners.size > 0) this.#schedule(interval);
      else this.#save();
    }, delay);
  }

  /** Looks once at what has changed. */
  async look(): Promise<void> {
    const look = this.#looks++, all = look >= this.#nextForAll;
    if (all) {
      const started = performance.now();
      await this.#findNew();
      // A large tree takes its time, of which little is to be taken.
      this.#nextForAll = look + Math.max(ALL_EVERY, Math.ceil(IDLE * (performance.now() - started) / INTERVAL));
    }
    const now = Date.now(), runs = [...this.#runs.values()].sort((a, b) => b.changed - a.changed);
    for (const run of runs) {
      if (this.#closed) return;
      if (all || run.isHeld || !run.isRead || now - run.changed < RECENT) await this.#update(run);
    }
    if (look % SAVE_EVERY === 0) this.#save();
  }

  async #find(): Promise<readonly string[]> {
    const { runs, cut } = await findRuns(this.#options.root);
    if (cut && !this.#wasCut) {
      this.#options.onNotice?.(
        `${this.#options.root}: it has too many folders to look into all; name the one that the runs are in`,
      );
    }
    this.#wasCut = cut;
    return runs;
  }

  async #findNew(): Promise<void> {
    const found = new Set(await this.#find().catch(() => []));
    const gone = [...this.#runs.keys()].filter((path) => !found.has(path));
    for (const path of gone) {
      this.#runs.delete(path);
      this.#tell({ kind: "gone", path });
    }
    if (gone.length > 0) this.#options.index.remove(gone);
    for (const path of found) if (!this.#runs.has(path)) this.#runs.set(path, new Run(path));
  }

  /** Reads what is new of a run, and tells it. */
  async #update(run: Run): Promise<void> {
    const before = run.summary(), { root } = this.#options;
    await this.#readState(run);
    for (let more = true; more && !this.#closed;) {
      const path = await runFile(root, run.path, METRICS);
      if (path === undefined) break;
      const read = await readTail(path, run.place).catch(() => undefined);
      if (read === undefined) break;
      if (read.lines.length > 0 || read.restarted) run.take(read);
      more = read.more;
    }
    run.isRead = true;
    const after = run.summary();
    const isSame = before.version === after.version && before.status === after.status && before.isRead;
    if (!isSame && this.#runs.get(run.path) === run) this.#tell({ kind: "run", run: after });
  }

  /** Its options, who has it, and when it was written to. */
  async #readState(run: Run): Promise<void> {
    const { root } = this.#options,
      stat = (path: string | undefined) => path === undefined ? undefined : Deno.stat(path).catch(() => undefined);
    const [config, metrics, lock, failure] = await Promise.all(
      [CONFIG, METRICS, "run.lock", FAILURE].map((name) => runFile(root, run.path, name)),
    );
    const [about, log] = await Promise.all([stat(config), stat(metrics)]);
    run.changed = Math.max(log?.mtime?.getTime() ?? 0, about?.mtime?.getTime() ?? 0);
    run.isHeld = await this.#isHeld(run, lock);
    run.failure = failure && await readFailure(failure).catch(() => undefined);
    const key = `${about?.mtime?.getTime()} ${about?.size}`;
    if (config === undefined || key === run.configKey) return;
    run.configKey = key;
    run.isDirty = true;
    run.touch();
    try {
      const kind = { what: "the run's configuration", check: objectField({}), remedy: "put back what it said" };
      run.config = await readJsonIfThere(config, kind) ?? {};
      run.configFault = undefined;
    } catch (error) {
      run.config = {};
      run.configFault = messageOf(error as Error);
      this.#options.onNotice?.(run.configFault);
    }
  }

  /** Whether a process has a run. A lock that was left is looked at once: to look at it takes it for a moment. */
  async #isHeld(run: Run, lock: string | undefined): Promise<boolean> {
    const about = lock === undefined ? undefined : await Deno.stat(lock).catch(() => undefined);
    if (lock === undefined || about === undefined) return false;
    const key = `${about.ino} ${about.mtime?.getTime()} ${about.size}`;
    if (key === run.freeLock) return false;
    const state = await lockState(lock);
    run.freeLock = state === "free" ? key : "";
    return state === "held" || (state === "unknown" && Date.now() - run.changed < SILENT);
  }

  #tell(change: RunChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #save(): void {
    const dirty = [...this.#runs.values()].filter(({ isDirty }) => isDirty);
    if (dirty.length === 0) return;
    try {
      this.#options.index.save(dirty.map((run) => run.stored()));
      for (const run of dirty) run.isDirty = false;
    } catch (error) {
      // The disk is full, say; the runs themselves are what counts.
      this.#options.onNotice?.(`The index of the runs cannot be written: ${(error as Error).message}`);
    }
  }

  /** Stops looking, and keeps what is known. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    this.#save();
  }
}
