/** The figures of benchmarks over time: `history.jsonl`, a line a run that was recorded with `--record`. */

import { fileURLToPath } from "node:url";
import { explain } from "../files/disk_error.ts";
import type { OptionTable } from "../cli/options/option.ts";
import { DataError, UsageError } from "../core/mod.ts";
import { describeMachine, type Machine } from "./cpu/machine.ts";

/** A figure with its unit. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** What a benchmark knows of its run. */
export interface Measured {
  /** The task: `bench` or `bench:cpu`. */
  readonly benchmark: string;
  /** Its arguments, but for `--record` and `--note`. */
  readonly arguments: readonly string[];
  /** The adapter or the backend, as it describes itself. */
  readonly device: string;
  readonly figures: readonly Figure[];
}

/** A line of the history. */
export interface HistoryEntry extends Measured {
  /** When the run ended: ISO 8601, UTC. */
  readonly date: string;
  /** The commit that was measured, or `unknown` outside a repository. */
  readonly commit: string;
  /** Whether sources differed from the commit. */
  readonly isModified: boolean;
  readonly machine: Machine;
  /** What else a reader must know, such as that the machine was not quiet. */
  readonly note?: string;
}

/** The options of a benchmark that can be recorded. */
export const RECORD_OPTIONS = {
  record: { kind: "flag", about: "also append the figures to bench/history.jsonl", default: false },
  note: { kind: "text", value: "TEXT", about: "with --record: what a reader must know, such as other load" },
} as const satisfies OptionTable;

/** The history that is committed. */
export const HISTORY: string = fileURLToPath(new URL("history.jsonl", import.meta.url));

/** @throws {UsageError} If a note has nothing that it could belong to. */
export function checkRecord({ record, note }: { readonly record: boolean; readonly note?: string }): void {
  if (note !== undefined && !record) throw new UsageError("--note: expected --record too");
}

/** The arguments that tell runs apart: what was measured, and not that it was recorded. */
export function withoutRecord(args: readonly string[]): string[] {
  return args.filter((arg, index) => !/^--(no-)?(record|note)(=|$)/.test(arg) && args[index - 1] !== "--note");
}

/**
 * Appends a run to the history.
 *
 * @throws {DataError} If the file cannot be written.
 */
export async function recordRun(measured: Measured, note?: string, file: string = HISTORY): Promise<void> {
  const entry: HistoryEntry = {
    date: new Date().toISOString(),
    ...measured,
    ...await describeSources(),
    machine: await describeMachine(),
    ...(note === undefined ? {} : { note }),
  };
  try {
    await Deno.writeTextFile(file, `${JSON.stringify(entry)}\n`, { append: true });
  } catch (error) {
    throw explain("the history of benchmarks", file, error);
  }
}

async function describeSources(): Promise<Pick<HistoryEntry, "commit" | "isModified">> {
  const git = async (...args: string[]) => {
    const cwd = fileURLToPath(new URL(".", import.meta.url));
    const output = await new Deno.Command("git", { args, cwd, stderr: "null" }).output().catch(() => undefined);
    return output?.success ? new TextDecoder().decode(output.stdout).trim() : undefined;
  };
  // The history itself differs after each run that is recorded.
  const changes = await git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude)history.jsonl");
  return { commit: await git("rev-parse", "--short=12", "HEAD") ?? "unknown", isModified: changes !== "" };
}

/**
 * Reads a history.
 *
 * @throws {DataError} If there is none, or a line is no run.
 */
export async function readHistory(file: string = HISTORY): Promise<HistoryEntry[]> {
  try {
    return parseHistory(await Deno.readTextFile(file), file);
  } catch (error) {
    throw explain("the history of benchmarks", file, error);
  }
}

/**
 * Reads the text of a history.
 *
 * @param file Its name, for messages.
 * @throws {DataError} If a line is no run.
 */
export function parseHistory(text: string, file: string): HistoryEntry[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    let entry: unknown;
    try {
      entry = JSON.parse(line);
    } catch {
      // Refused below, like JSON of another kind.
    }
    if (isEntry(entry)) return [entry];
    throw new DataError(`${file}: line ${index + 1} is no run of a benchmark; expected what --record appends`);
  });
}

function isEntry(entry: unknown): entry is HistoryEntry {
  const { date, benchmark, arguments: args, device, figures } = (entry ?? {}) as Partial<HistoryEntry>;
  return typeof date === "string" && Number.isFinite(Date.parse(date)) && typeof benchmark === "string" &&
    Array.isArray(args) && typeof device === "string" && Array.isArray(figures) &&
    figures.every((figure) => typeof figure?.name === "string" && Number.isFinite(figure.value));
}

/** A figure over time: of one benchmark with the same arguments, on one device of one machine. */
export interface Series {
  /** The benchmark, its arguments and the figure. */
  readonly title: string;
  readonly unit: string;
  /** The device and the machine. */
  readonly where: string;
  /** The runs, the oldest first. */
  readonly points: readonly { readonly value: number; readonly entry: HistoryEntry }[];
}

/** The figures of a history as series, in the order in which they appear. */
export function seriesOf(entries: readonly HistoryEntry[]): Series[] {
  const found = new Map<string, Series & { points: { value: number; entry: HistoryEntry }[] }>();
  for (const entry of entries.toSorted((a, b) => Date.parse(a.date) - Date.parse(b.date))) {
    const work = [entry.benchmark, ...entry.arguments].join(" ");
    const where = `${entry.device}; ${entry.machine.cpu}, ${entry.machine.cores} cores`;
    for (const { name, value, unit } of entry.figures) {
      const title = `${work}: ${name}`, key = JSON.stringify([title, unit, where]);
      if (!found.has(key)) found.set(key, { title, unit, where, points: [] });
      found.get(key)!.points.push({ value, entry });
    }
  }
  return [...found.values()];
}
