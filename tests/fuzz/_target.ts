/**
 * What is fuzzed: a function that reads bytes or text from outside. It is right when it gives a value that makes sense, or
 * refuses the input in a sentence; anything else is a finding.
 */

import { ResiduaError } from "../../core/mod.ts";

/** What inputs are made of, which says how they are changed. */
export type InputForm = "bytes" | "text" | "json";

/** A reader that is tried on changed inputs. */
export interface FuzzTarget {
  /** Its name, for `--only`. */
  readonly name: string;
  /** What it reads. */
  readonly about: string;
  /** What its inputs are made of. */
  readonly form: InputForm;
  /** Right inputs, small, with which it begins. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Words that inputs are likely to hold. Defaults to none. */
  readonly words?: readonly string[];
  /**
   * Reads an input.
   *
   * @param input The input.
   * @param scratch A folder of its own, for readers of files.
   */
  run(input: Uint8Array, scratch: string): unknown;
  /** What of a value makes no sense; nothing where it does. Defaults to nothing. */
  check?(value: unknown): string | undefined;
  /**
   * The bytes of arrays that may be made of an input of some bytes; `process` where they are not counted, and the process
   * alone is watched. Defaults to {@link usualMemory}.
   */
  readonly memory?: ((bytes: number) => number) | "process";
  /** The characters of a message. Defaults to {@link LONGEST_MESSAGE}. */
  readonly longest?: number;
}

/** How an input fared. */
export type Outcome =
  | { readonly kind: "read" | "refused" }
  | { readonly kind: "finding"; readonly finding: Finding };

/** What is wrong with how an input fared. */
export interface Finding {
  /** What is the same for all inputs that show it. */
  readonly identity: string;
  /** What happened, for people. */
  readonly what: string;
}

/** An input of these bytes may be unpacked, and is kept in a few forms. */
const usualMemory = (bytes: number) => 2 ** 20 + 1100 * bytes;
/** Some list what there is. */
const LONGEST_MESSAGE = 1000;

/** Runs a target on an input, and judges how it fared. */
export async function judge(target: FuzzTarget, input: Uint8Array, scratch: string): Promise<Outcome> {
  const { memory = usualMemory } = target;
  if (memory === "process") return await attempt(target, input, scratch);
  const [outcome, made] = await countingArrays(() => attempt(target, input, scratch));
  if (outcome.kind === "finding" || made <= memory(input.length)) return outcome;
  return found("memory", `made arrays of ${made} bytes from ${input.length}, expected at most ${memory(input.length)}`);
}

async function attempt(target: FuzzTarget, input: Uint8Array, scratch: string): Promise<Outcome> {
  let value: unknown;
  try {
    value = await target.run(input, scratch);
  } catch (error) {
    return judgeError(target, input, error);
  }
  const fault = target.check?.(value);
  return fault === undefined ? { kind: "read" } : found("value", `gave a value that makes no sense: ${fault}`);
}

function judgeError({ longest = LONGEST_MESSAGE }: FuzzTarget, input: Uint8Array, error: unknown): Outcome {
  if (!(error instanceof ResiduaError)) {
    const stack = error instanceof Error ? error.stack ?? String(error) : String(error);
    return found(placeOf(error), `threw what is no error of Residua's: ${stack}`);
  }
  const { message } = error, told = (what: string) => found(`message ${placeOf(error)}`, `${what}: ${message}`);
  if (message.length > longest) return told(`has a message of ${message.length} characters, expected ${longest}`);
  if (message.length < 10) return told("has a message that says nothing");
  // A slip of ours, unless the word is the input's.
  const slip = /\bundefined\b|\[object \w+\]/.exec(message)?.[0];
  if (slip !== undefined && !new TextDecoder().decode(input).includes(slip)) return told(`says "${slip}"`);
  return { kind: "refused" };
}

function found(identity: string, what: string): Outcome {
  return { kind: "finding", finding: { identity, what } };
}

/** The class of an error and the first place in the sources that it is from. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const own = frames.find((line) => line.includes("file:") && !line.includes("/tests/")) ?? frames[0] ?? "";
  return `${error.name} ${/[^/]+:\d+:\d+/.exec(own)?.[0] ?? own.trim()}`;
}

/** The arrays that are counted: those that readers make by their lengths. */
const COUNTED = ["Uint8Array", "Uint16Array", "Uint32Array", "Float32Array", "Float64Array"] as const;

/** Runs something, and counts the bytes of the arrays that are made meanwhile; views of others take none. */
async function countingArrays<T>(run: () => Promise<T>): Promise<[T, number]> {
  const global = globalThis as unknown as Record<string, { new (...args: unknown[]): ArrayBufferView }>;
  const originals = COUNTED.map((name) => [name, global[name]] as const);
  let made = 0;
  for (const [name, original] of originals) {
    global[name] = new Proxy(original, {
      construct(type, args, newTarget) {
        const array = Reflect.construct(type, args, newTarget);
        if (!(args[0] instanceof ArrayBuffer) && !(args[0] instanceof SharedArrayBuffer)) made += array.byteLength;
        return array;
      },
    });
  }
  try {
    return [await run(), made];
  } finally {
    for (const [name, original] of originals) global[name] = original;
  }
}
