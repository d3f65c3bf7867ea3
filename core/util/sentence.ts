/** Sentences that name arguments, so that a library and a command line can each call them by their own names. */

/** An argument that a sentence tells the caller to set. */
export interface Advice {
  /** Its name in the library, such as `batch`. */
  readonly argument: string;
  /** The value to give it; absent where the sentence says in words which. */
  readonly value?: string | number | boolean;
}

/** Text around named arguments. */
export class Sentence {
  readonly #parts: readonly (string | Advice)[];

  /** Takes the text and the arguments in their order. */
  constructor(parts: readonly (string | Advice)[]) {
    this.#parts = parts;
  }

  /** The arguments that it names, in their order. */
  get advice(): readonly Advice[] {
    return this.#parts.filter((part) => typeof part !== "string");
  }

  /** The parts, to be joined to others. */
  get parts(): readonly (string | Advice)[] {
    return this.#parts;
  }

  /** The text, with each argument as `name` writes it. */
  format(name: (advice: Advice) => string): string {
    return this.#parts.map((part) => typeof part === "string" ? part : name(part)).join("");
  }

  /** The text, with arguments as code writes them: `batch: 64`. */
  toString(): string {
    return this.format(({ argument, value }) =>
      `\`${argument}${value === undefined ? "" : `: ${JSON.stringify(value)}`}\``
    );
  }
}

/**
 * An argument in a {@link sentence}.
 *
 * @param name Its name in the library.
 * @param value The value to give it, if it is one.
 *
 * @example
 * ```ts
 * import { argument } from "@residua/residua/core";
 * console.log(argument("batch", 64)); // { argument: "batch", value: 64 }
 * ```
 */
export function argument(name: string, value?: Advice["value"]): Advice {
  return value === undefined ? { argument: name } : { argument: name, value };
}

/**
 * A template for sentences: values are text, arguments or other sentences.
 *
 * @example
 * ```ts
 * import { argument, sentence } from "@residua/residua/core";
 * const told = sentence`It does not fit; use ${argument("batch", 64)}`;
 * console.log(`${told}`); // It does not fit; use `batch: 64`
 * console.log(told.format(({ argument, value }) => `${argument}=${value}`)); // It does not fit; use batch=64
 * ```
 */
export function sentence(
  texts: TemplateStringsArray,
  ...values: readonly (string | number | Advice | Sentence)[]
): Sentence {
  return new Sentence(texts.flatMap((text, index) => {
    const value = index === 0 ? "" : values[index - 1];
    if (value instanceof Sentence) return [...value.parts, text];
    return [typeof value === "number" ? String(value) : value, text];
  }));
}

/** The arguments one by one, with "or" between them. */
export function eitherOf(advice: readonly Advice[]): Sentence {
  return new Sentence(advice.flatMap((one, index) => index === 0 ? [one] : [" or ", one]));
}
