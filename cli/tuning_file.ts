/** The tuner's choices in the user's cache folder, a file an adapter. They only save time: a damaged file is begun anew. */

import type { TunerStore } from "../core/mod.ts";
import { explain } from "./disk.ts";

/** The folder of cached files: `XDG_CACHE_HOME`, `LOCALAPPDATA` or `~/.cache`, and `residua` in it. */
function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA") ??
    `${Deno.env.get("HOME") ?? Deno.cwd()}/.cache`;
  return `${home}/residua`;
}

/** Choices that are written as they are made, so that an interrupted run keeps them. */
export class TuningFile implements TunerStore {
  readonly #path: string;
  readonly #choices: Map<string, string>;

  /**
   * Reads what is known of an adapter.
   *
   * @param adapter The adapter's name and driver.
   * @param folder Where the files are; the user's cache folder unless given.
   */
  constructor(adapter: string, folder: string = cacheFolder()) {
    this.#path = `${folder}/tuning ${adapter.replace(/[^\w.]+/g, " ").trim()}.json`;
    this.#choices = new Map(readChoices(this.#path));
  }

  /** The choice for a key, if there is one. */
  get(key: string): string | undefined {
    return this.#choices.get(key);
  }

  /** Keeps a choice. */
  set(key: string, variant: string): void {
    this.#choices.set(key, variant);
    const temporary = `${this.#path}.${Deno.pid}`;
    try {
      Deno.mkdirSync(this.#path.slice(0, this.#path.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(temporary, JSON.stringify(Object.fromEntries(this.#choices), null, 1));
      Deno.renameSync(temporary, this.#path);
    } catch (error) {
      throw explain("the tuner's file", this.#path, error);
    }
  }
}

function readChoices(path: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(Deno.readTextFileSync(path)))
      .filter((entry): entry is [string, string] => typeof entry[1] === "string");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return [];
    throw explain("the tuner's file", path, error);
  }
}
