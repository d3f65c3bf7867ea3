/** What is said while a run goes on: its memory, and a line an epoch. */

import type { Callback, EpochEvent, StartEvent } from "../../train/mod.ts";
import { EpochTable } from "../reports/epoch_table.ts";
import { widthOf } from "../reports/layout.ts";
import { accumulateText, epochJson, memoryText } from "../reports/train_report.ts";
import type { RunTerminal } from "./terminal.ts";
import type { Work } from "./work.ts";

/** Hears of a run, and says it. */
export class SaidEpochs implements Callback {
  readonly #terminal: RunTerminal;
  readonly #values: Work["values"];
  readonly #table: EpochTable;

  /** @param work What is trained. */
  constructor(terminal: RunTerminal, { values }: Work) {
    this.#terminal = terminal;
    this.#values = values;
    this.#table = new EpochTable(values.epochs);
  }

  /** Says how a batch is divided, and the memory. */
  onStart({ parts, memory }: StartEvent): void {
    const { batch, accumulate } = this.#values;
    if (parts > 1) this.#terminal.say(accumulateText(parts, batch, accumulate !== undefined));
    this.#terminal.say(memoryText(memory));
  }

  /** Prints an epoch. */
  onEpoch(event: EpochEvent): void {
    this.#terminal.print(this.#values.json ? epochJson(event) : this.#table.line(event, widthOf()));
  }
}
