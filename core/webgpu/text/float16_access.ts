/**
 * Float16 buffers in kernels that are written for float32. A kernel reads `x[i]` and writes `y[i] = value;`; where a buffer
 * holds f16, what is read is widened and what is written is rounded, so that all between is float32. The text of a kernel
 * whose buffers are f32 is not touched.
 */

import { ResiduaError } from "../../util/errors.ts";

/** A binding of f16. */
export interface HalfBinding {
  /** The buffer's name in the text. */
  readonly name: string;
  /** Whether it is bound as vectors of four. */
  readonly vector?: boolean;
}

/**
 * The text of a kernel with conversions around every access to some buffers.
 *
 * @param wgsl The kernel. It accesses these buffers as `name[index]` in expressions, and as `name[index] = value;` alone.
 * @param bindings The buffers of f16.
 * @throws {ResiduaError} If an element is changed by a compound assignment.
 */
export function convertFloat16Accesses(wgsl: string, bindings: readonly HalfBinding[]): string {
  if (bindings.length === 0) return wgsl;
  const vectors = new Map(bindings.map(({ name, vector }) => [name, vector ?? false]));
  return convert(wgsl, new RegExp(`(?<![\\w.])(?:${[...vectors.keys()].join("|")})(?=\\[)`, "g"), vectors);
}

function convert(text: string, names: RegExp, vectors: ReadonlyMap<string, boolean>): string {
  const parts: string[] = [], next = new RegExp(names);
  let done = 0;
  for (let match = next.exec(text); match !== null; match = next.exec(text)) {
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
    next.lastIndex = done;
  }
  return parts.join("") + text.slice(done);
}

/** The place behind the bracket that closes the one at `open`. */
function endOfIndex(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "[") depth++;
    else if (text[at] === "]" && --depth === 0) return at + 1;
  }
  throw new ResiduaError(`A kernel's text has no bracket that closes the one at "${text.slice(open, open + 20)}"`);
}
