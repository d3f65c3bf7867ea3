/** Some hundreds of cases of each target, by a seed that stays and by that of the day; `deno task fuzz` tries more. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { seedOfDay } from "../_random_convolutions.ts";
import { CaseSource } from "./_cases.ts";
import { type FuzzTarget, judge } from "./_target.ts";
import { TARGETS } from "./targets.ts";

const CASES = 250, SEEDS = [11, seedOfDay()];

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
  Deno.test(`${target.name} reads changed inputs, or refuses them in a sentence (RESIDUA_SEED=${seedOfDay()})`, async () => {
    const scratch = await Deno.makeTempDir({ prefix: "residua-fuzz" });
    try {
      for (const seed of SEEDS) {
        const { read, refused } = await fuzz(target, seed, scratch);
        // Inputs that all were refused at the first check would have tried nothing behind it.
        assert(read > 0 && refused > 0, `${read} of ${CASES} were read`);
      }
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}
