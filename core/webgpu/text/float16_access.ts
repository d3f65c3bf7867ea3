/**
 * Float16 buffers in kernels that are written for float32. A kernel reads `x[i]` and writes `y[i] = value;`. Where a buffer
 * holds f16, each read is widened to f32 and each written value is rounded to f16. So all arithmetic is in float32. A text
 * without f16 buffers is not changed.
 */

import { ResiduaError } from "../../util/errors.ts";

/** A buffer of f16. */
export interface Float16Binding {
  /** The buffer's name in the text. */
  readonly name: string;
  /** Whether it is bound as vectors of four. */
  readonly vector?: boolean;
}

/**
 * The text of a kernel with conversions around every access to its f16 buffers.
 *
 * @param wgsl The kernel. It reads these buffers as `name[index]` in expressions, and writes them only by statements
 * `name[index] = value;`.
 * @param bindings The f16 buffers.
 * @throws {ResiduaError} If a compound assignment changes an element.
 */
export function convertFloat16Accesses(wgsl: string, bindings: readonly Float16Binding[]): string {
  if (bindings.length === 0) return wgsl;
  const vectors = new Map(bindings.map(({ name, vector }) => [name, vector ?? false]));
  return convert(wgsl, new RegExp(`(?<![\\w.])(?:${[...vectors.keys()].join("|")})(?=\\[)`, "g"), vectors);
}

/** Converts from left to right; indices and assigned values are converted by recursion. */
function convert(text: string, names: RegExp, vectors: ReadonlyMap<string, boolean>): string {
  // A copy, since recursion needs a `lastIndex` of its own.
  const parts: string[] = [], pattern = new RegExp(names);
  let done = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [name] = match, open = match.index + name.length, end = endOfIndex(text, open);
    const type = (element: string) => vectors.get(name) ? `vec4<${element}>` : element;
    const access = `${name}[${convert(text.slice(open + 1, end - 1), names, vectors)}]`;
    const [assignment, operator] = /^\s*([-+*/%&|^]|<<|>>)?=(?!=)/.exec(text.slice(end, end + 8)) ?? [""];
    parts.push(text.slice(done, match.index));
    if (assignment === "") {
      parts.push(`${type("f32")}(${access})`);
      done = end;
    } else if (operator === undefined) {
      const from = end + assignment.length;
      done = text.indexOf(";", from);
      parts.push(`${access} = ${type("f16")}(${convert(text.slice(from, done).trim(), names, vectors)})`);
    } else {
      throw new ResiduaError(
        `A kernel changes an element of ${name} by ${operator}=, which buffers of f16 do not take; write ${name}[…] = …`,
      );
    }
    pattern.lastIndex = done;
  }
  return parts.join("") + text.slice(done);
}

/** The position after the bracket that closes the one at `open`. */
function endOfIndex(text: string, open: number): number {
  let depth = 0;
  for (let position = open; position < text.length; position++) {
    if (text[position] === "[") depth++;
    else if (text[position] === "]" && --depth === 0) return position + 1;
  }
  throw new ResiduaError(`A kernel's text has no bracket that closes the one at "${text.slice(open, open + 20)}"`);
}
