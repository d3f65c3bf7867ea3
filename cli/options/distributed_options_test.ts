import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import { shapesSet } from "../../data/mod.ts";
import { chooseValues } from "./chosen_values.ts";
import { resumedBatch, scaleRate } from "./distributed_options.ts";
import type { GivenOptions } from "./option.ts";
import { resolveOptions } from "./parse_options.ts";
import { TRAIN_OPTIONS } from "./train_options.ts";
import { rejectUnusedOptions } from "./unused_options.ts";

Deno.test("scaleRate() multiplies the rate and warms up, unless the user says how long", () => {
  const values = { lr: 0.1, warmup: 0.5, epochs: 90 };
  assertEquals([scaleRate(values, { "scale-lr": false }, 8), scaleRate(values, { "scale-lr": true }, 1)], [
    values,
    values,
  ]);
  assertEquals(scaleRate(values, { "scale-lr": true }, 8), { lr: 0.8, warmup: 5, epochs: 90 });
  assertEquals(scaleRate({ ...values, epochs: 10 }, { "scale-lr": true }, 3), { lr: 0.3, warmup: 2, epochs: 10 });
  assertEquals(scaleRate(values, { "scale-lr": true, warmup: 0 }, 2), { lr: 0.2, warmup: 0, epochs: 90 });
});

Deno.test("chooseValues() divides a batch that it chooses among processes, and takes a given one for each", async () => {
  const set = shapesSet({ trainCount: 2048, validationCount: 16 });
  const choose = async (given: Record<string, string | boolean>, ranks?: number) => {
    const values = resolveOptions(TRAIN_OPTIONS, given);
    const { batch, epochs, lr } = (await chooseValues(values, new Set(Object.keys(given)), set, ranks)).values;
    return { batch, epochs, lr };
  };
  const alone = await choose({});
  assertEquals(await choose({}, 4), { ...alone, batch: alone.batch / 4 });
  // As one process with the batch of all.
  assertEquals(await choose({ batch: "8" }, 4), { ...await choose({ batch: "32" }), batch: 8 });
  assertEquals((await choose({ batch: "8", steps: "128" }, 4)).epochs, 2);
  const { lr } = await choose({ batch: "8" });
  assertEquals((await choose({ batch: "8", "scale-lr": true }, 4)).lr, Number((4 * lr).toPrecision(12)));
});

Deno.test("rejectUnusedOptions() leaves a rate that is to be found to a single process", () => {
  for (const given of [{ lr: "auto" }, { lr: "0.1", distributed: true }] as GivenOptions[]) {
    rejectUnusedOptions(TRAIN_OPTIONS, resolveOptions(TRAIN_OPTIONS, given), given);
  }
  assertThrows(
    () => rejectUnusedOptions(TRAIN_OPTIONS, resolveOptions(TRAIN_OPTIONS, { lr: "auto", distributed: true }), {}),
    UsageError,
    "--lr auto is of one process; run lr-find first, and give --distributed the rate that it finds",
  );
});

Deno.test("resumedBatch() keeps the images of a step, if the processes can divide them", () => {
  assertEquals(resumedBatch({ batch: 12, ranks: 4 }, 4), undefined);
  assertEquals(resumedBatch({ batch: 12 }, 1), undefined);
  assertEquals(resumedBatch({ batch: 12, ranks: 4 }, 3)?.batch, 16);
  assertEquals(resumedBatch({ batch: 12 }, 6), {
    batch: 2,
    note:
      "The run had one process and has 6 now: 12 images a step as before, 2 each; batch norm takes its statistics of " +
      "other parts of a batch, so it does not go on to the bit",
  });
  assertThrows(
    () => resumedBatch({ batch: 12, ranks: 4 }, 5),
    UsageError,
    "The run was started by 4 processes with batches of 12, 48 in all, which 5 cannot divide",
  );
});
