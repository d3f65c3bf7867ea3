/** What a run draws and logs for others to show: plots, TensorBoard's events, distributions, a profile. */

import { RunDistributions, RunEvents, RunPlots } from "../../plots/mod.ts";
import { type Callback, type ProfilingOptions, RunFolder } from "../../train/mod.ts";
import { widthOf } from "../reports/layout.ts";
import { formatProfile, profileJson } from "../reports/profile_report.ts";
import type { Run } from "./open_run.ts";
import type { RunTerminal } from "./terminal.ts";

/** Draws and logs while a run goes on. */
export class RunPictures {
  /** What hears of the run. */
  readonly listeners: readonly Callback[];
  readonly #plots: RunPlots;
  readonly #events: RunEvents;

  /** @param title What the plots are called. */
  constructor({ folder, store }: Run, title: string, classes: readonly string[]) {
    this.#plots = new RunPlots(store, folder ?? new RunFolder(store), title, classes);
    this.#events = new RunEvents(store);
    this.listeners = [this.#plots, this.#events, new RunDistributions(store)];
  }

  /** Ends the files. */
  async finish(): Promise<void> {
    await this.#events.flush();
  }

  /** The names of the plots that were drawn. */
  get files(): readonly string[] {
    return this.#plots.files;
  }
}

/** The trace of --profile in the run folder. */
const PROFILE_FILE = "profile.json";

/** Has some steps profiled: as a table, and as a file. */
export function profilingOf({ location, store }: Run, terminal: RunTerminal, json: boolean): ProfilingOptions {
  return {
    async onProfile(profile) {
      await store.write(PROFILE_FILE, new TextEncoder().encode(profileJson(profile)));
      const width = Deno.stdout.isTerminal() ? widthOf() : undefined;
      if (!json) terminal.print(`\n${formatProfile(profile, undefined, width)}\n`);
      terminal.say(`${location}/${PROFILE_FILE} opens in https://ui.perfetto.dev\n`);
    },
  };
}
