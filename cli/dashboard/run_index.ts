/**
 * What is known of runs, in SQLite, so that a dashboard need not read every log again. It holds nothing that the run folders do
 * not: where it is missing, damaged or of another version, it is made anew of them.
 */

import { DatabaseSync } from "node:sqlite";
import type { LogPlace } from "./read_tail.ts";
import type { EpochRow } from "./run.ts";

/** What is kept of a run. */
export interface StoredRun {
  /** Its path below the folder of runs. */
  readonly path: string;
  /** How far its metrics were read. */
  readonly place: LogPlace;
  /** Its epochs. */
  readonly epochs: readonly EpochRow[];
  /** Its steps, as `StepSeries` gives them. */
  readonly steps: Uint8Array;
  /** What else is known, as JSON. */
  readonly facts: string;
}

/** Milliseconds for which another process is waited for. */
const PATIENCE = 5000;
/** Raised with what the tables hold. */
const VERSION = 2;
const TABLES = `
  CREATE TABLE runs (path TEXT PRIMARY KEY, offset INTEGER NOT NULL, tail BLOB NOT NULL, epochs TEXT NOT NULL,
    steps BLOB NOT NULL, facts TEXT NOT NULL);
  PRAGMA user_version = ${VERSION};`;

interface Row {
  readonly path: string;
  readonly offset: number;
  readonly tail: Uint8Array;
  readonly epochs: string;
  readonly steps: Uint8Array;
  readonly facts: string;
}

/** The index of a folder of runs. */
export class RunIndex implements Disposable {
  readonly #database: DatabaseSync;
  /** Why it is in memory alone, and gone with the program; nothing where it is a file. */
  readonly problem: string | undefined;

  private constructor(database: DatabaseSync, problem?: string) {
    this.#database = database;
    this.problem = problem;
  }

  /**
   * Opens an index, and makes it where there is none, or none that can be used.
   *
   * @param path Its file.
   */
  static open(path: string): RunIndex {
    try {
      return new RunIndex(openFile(path));
    } catch {
      try {
        for (const end of ["", "-journal", "-wal", "-shm"]) removeIfThere(path + end);
        return new RunIndex(openFile(path));
      } catch (error) {
        return new RunIndex(prepared(new DatabaseSync(":memory:")), (error as Error).message);
      }
    }
  }

  /** All runs; nothing is known of one whose row is not what was written. */
  runs(): StoredRun[] {
    const rows = this.#database.prepare("SELECT * FROM runs").all() as unknown as Row[];
    return rows.flatMap(({ path, offset, tail, epochs, steps, facts }) => {
      try {
        JSON.parse(facts);
        return [{ path, place: { offset, tail }, epochs: JSON.parse(epochs), steps, facts }];
      } catch {
        return [];
      }
    });
  }

  /** Keeps runs, in the place of what was known of them: all, or none. */
  save(runs: readonly StoredRun[]): void {
    const insert = this.#database.prepare("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)");
    this.#inOne(() => {
      for (const { path, place, epochs, steps, facts } of runs) {
        insert.run(path, place.offset, place.tail, JSON.stringify(epochs), steps, facts);
      }
    });
  }

  /** Forgets runs. */
  remove(paths: readonly string[]): void {
    const remove = this.#database.prepare("DELETE FROM runs WHERE path = ?");
    this.#inOne(() => paths.forEach((path) => remove.run(path)));
  }

  #inOne(write: () => void): void {
    this.#database.exec("BEGIN");
    try {
      write();
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // Another dashboard may be writing; it is no damage.
    database.exec(`PRAGMA busy_timeout = ${PATIENCE}`);
    const { quick_check: state } = database.prepare("PRAGMA quick_check").get() as { quick_check: string };
    if (state !== "ok") throw new Error(state);
    return prepared(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** An open database with the tables of this version. */
function prepared(database: DatabaseSync): DatabaseSync {
  // What is lost with the power is read again from the runs.
  database.exec("PRAGMA synchronous = OFF");
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version !== VERSION) {
    const { count } = database.prepare("SELECT count(*) AS count FROM sqlite_master").get() as { count: number };
    if (count > 0) throw new Error("it is of another version");
    database.exec(TABLES);
  }
  return database;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
