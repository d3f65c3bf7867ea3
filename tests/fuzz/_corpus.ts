/** Inputs that reached something new, as files: `DIR/TARGET/HASH`; and findings, as `DIR/findings/TARGET-HASH`. */

import { DataError } from "../../core/mod.ts";
import { explain } from "../../files/disk_error.ts";
import { LONGEST_INPUT } from "./_cases.ts";
import type { Finding } from "./_target.ts";

/** A target keeps no more inputs. */
const MOST_INPUTS = 2000;

/** A finding with the input that shows it. */
export interface FoundInput extends Finding {
  /** The target. */
  readonly target: string;
  /** The input, made small. */
  readonly input: Uint8Array;
}

/** The folder of inputs and findings. */
export class Corpus {
  readonly #folder: string;

  /** @param folder Is made with the first file. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The inputs that were kept of a target, in an order that is always the same. */
  async inputs(target: string): Promise<Uint8Array[]> {
    const folder = `${this.#folder}/${target}`, found: Uint8Array[] = [];
    for (const name of (await namesIn(folder)).slice(0, MOST_INPUTS)) {
      const input = await Deno.readFile(`${folder}/${name}`);
      if (input.length <= LONGEST_INPUT) found.push(input);
    }
    return found;
  }

  /** Keeps an input, unless there are very many. */
  async add(target: string, input: Uint8Array): Promise<void> {
    const folder = `${this.#folder}/${target}`;
    if ((await namesIn(folder)).length >= MOST_INPUTS) return;
    await this.#write(target, await hash(input), input);
  }

  /**
   * Keeps a finding.
   *
   * @returns The file of its input, and the command that shows it again.
   */
  async report({ target, identity, what, input }: FoundInput): Promise<{ path: string; command: string }> {
    const name = `${target}-${await hash(new TextEncoder().encode(identity))}`;
    const path = `${this.#folder}/findings/${name}`,
      command = `deno task fuzz --only ${target} --input ${quoted(path)}`;
    await this.#write("findings", name, input);
    await this.#write("findings", `${name}.txt`, new TextEncoder().encode(`${what}\n\n${command}\n`));
    return { path, command };
  }

  async #write(folder: string, name: string, bytes: Uint8Array): Promise<void> {
    const path = `${this.#folder}/${folder}/${name}`;
    try {
      await Deno.mkdir(`${this.#folder}/${folder}`, { recursive: true });
      await Deno.writeFile(path, bytes);
    } catch (error) {
      throw explain("the corpus", path, error);
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) if (isFile) names.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error instanceof Deno.errors.NotADirectory
      ? new DataError(`${folder}: expected a folder of inputs there; choose another with --corpus`)
      : error;
  }
  return names.sort();
}

/** Twelve hexadecimal digits of a content. */
async function hash(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
