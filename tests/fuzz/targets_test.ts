/** Cases of each target by a seed that stays, and by that of the day too where everything is tested; `deno task fuzz` tries more. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { ALL } from "../_all.ts";
import { seedOfDay } from "../_random_convolutions.ts";
import { CaseSource } from "./_cases.ts";
import { type FuzzTarget, judge } from "./_target.ts";
import { TARGETS } from "./targets.ts";

const FIXED_SEED = 11, CASES = ALL ? 1000 : 120;

/** How many cases were read, and how many refused; anything else fails. */
async function fuzz(target: FuzzTarget, seed: number, scratch: string): Promise<{ read: number; refused: number }> {
  const source = await CaseSource.of(target, new Random(seed, `fuzz ${target.name} test`)),
    counts = { read: 0, refused: 0 };
  for (const seed of source.inputs) assertEquals(await judge(target, seed, scratch), { kind: "read" }, target.name);
  for (let k = 0; k < CASES; k++) {
    const input = source.next(), outcome = await judge(target, input, scratch);
    if (outcome.kind !== "finding") counts[outcome.kind]++;
    else throw new Error(`case ${k} of RESIDUA_SEED=${seed}: ${outcome.finding.what}\n${[...input.slice(0, 200)]}`);
  }
  return counts;
}

Deno.test("targets have names of their own", () => {
  const names = TARGETS.map(({ target: { name } }) => name);
  assertEquals([...new Set(names)], names);
});

for (const { target } of TARGETS) {
  Deno.test(`${target.name} reads changed inputs, or refuses them in a sentence${ALL ? ` (RESIDUA_SEED=${seedOfDay()})` : ""}`, async () => {
    const scratch = await Deno.makeTempDir({ prefix: "residua-fuzz" });
    try {
      // Inputs that all were refused at the first check would have tried nothing behind it; chance may do that on some day.
      const { read, refused } = await fuzz(target, FIXED_SEED, scratch);
      assert(read > 0 && refused > 0, `${read} of ${CASES} were read`);
      if (ALL) await fuzz(target, seedOfDay(), scratch);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}
