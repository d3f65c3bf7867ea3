/** What `deno task fuzz` has found: each input, made small, with what it says now. */

import { assertStringIncludes } from "@std/assert";
import { ResiduaError } from "../../core/mod.ts";
import { judge } from "./_target.ts";
import { TARGETS } from "./targets.ts";

/** An input that was a finding. */
interface Found {
  readonly target: string;
  readonly input: string;
  /** What was wrong, in a word or two. */
  readonly was: string;
  /** A part of what is said now. */
  readonly says: string;
}

const FOUND: readonly Found[] = [
  {
    target: "shards",
    input: '{"weight_map":{"a":{"b":1}}}',
    was: "[object Object] in a message",
    says: 'it says that a is in {"b":1}, expected a safetensors file beside it',
  },
  {
    target: "image-list",
    input: `a,b,${"c".repeat(2000)}\n`,
    was: "a message as long as the line",
    says: `its columns are 3 without names, the first row being a, b, ${"c".repeat(80)}…; say which by \`columns\``,
  },
  {
    target: "image-list",
    input: Array(500).fill("a").join() + "\n",
    was: "a message as long as the line",
    says: "its columns are 500 without names, the first row being a, a, a, a, a, a, a, a, a, a and 490 more; say which",
  },
  {
    target: "metrics-line",
    input: JSON.stringify({ kind: Array(300).fill("epoch") }),
    was: "a message as long as the line",
    says: 'kind is ["epoch","epoch","epoch","epoch","epoch","epoch","epoch","ep…, expected "step" or "epoch"',
  },
];

for (const { target: name, input, was, says } of FOUND) {
  Deno.test(`${name} refuses what led to ${was}`, async () => {
    const { target } = TARGETS.find(({ target }) => target.name === name)!, bytes = new TextEncoder().encode(input);
    const scratch = await Deno.makeTempDir({ prefix: "residua-fuzz" });
    try {
      const { kind } = await judge(target, bytes, scratch);
      if (kind !== "refused") throw new Error(`expected the input to be refused but it was ${kind}`);
      const error = await Promise.try(() => target.run(bytes, scratch)).then(() => undefined, (error) => error);
      assertStringIncludes((error as ResiduaError).message, says);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}
