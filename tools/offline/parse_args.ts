/** The part of `@std/cli/parse-args` that the command line uses, over `node:util`, for machines that cannot reach JSR. */

import { parseArgs as parse } from "node:util";

export interface ParseOptions {
  string?: readonly string[];
  boolean?: readonly string[];
  negatable?: readonly string[];
  unknown?: (argument: string, key?: string) => unknown;
}

/** Parses `--name value`, `--name=value`, `--flag`, `--no-flag`; what is left is in `_`. */
export function parseArgs(args: string[], options: ParseOptions = {}): { _: string[]; [name: string]: unknown } {
  const { string = [], boolean = [], negatable = [], unknown } = options;
  const { tokens } = parse({
    args,
    options: {
      ...Object.fromEntries(string.map((name) => [name, { type: "string" as const, multiple: true }])),
      ...Object.fromEntries(boolean.map((name) => [name, { type: "boolean" as const }])),
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const result: { _: string[]; [name: string]: unknown } = { _: [] };
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (unknown?.(token.value) !== false) result._.push(token.value);
    } else if (token.kind === "option") {
      const { name, value, rawName } = token;
      const negated = name.startsWith("no-") && negatable.includes(name.slice(3));
      if (negated) result[name.slice(3)] = false;
      else if (boolean.includes(name)) result[name] = true;
      else if (string.includes(name)) result[name] = value ?? "";
      else if (unknown?.(rawName, name) !== false) result[name] = value ?? true;
    }
  }
  return result;
}
