/** What of the page's scripts needs no page. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { mostLoss, smooth } from "./page/charts.js";
import { ago, duration, percent, short } from "./page/elements.js";
import { compareRuns, nextOrder } from "./page/run_order.js";
import { textOf } from "./page/options_table.js";
import { PageFiles } from "./page_files.ts";

Deno.test("smooth() gives means whose weights fall by the same share with each step back", () => {
  const random = new Random(2, "smooth"), values = Array.from({ length: 60 }, () => random.uniform() + 1);
  assertEquals(smooth(values, 0), values);
  for (const weight of [0.1, 0.6, 0.99]) {
    smooth(values, weight).forEach((value: number | null, k: number) => {
      const weights = Array.from({ length: k + 1 }, (_, i) => weight ** (k - i));
      const sum = weights.reduce((all, share, i) => all + share * values[i], 0);
      assertAlmostEquals(value!, sum / weights.reduce((a, b) => a + b), 1e-12);
    });
  }
  // Steps that are missing are left out.
  assertEquals(smooth([2, null, 2], 0.5), [2, null, 2]);
});

Deno.test("mostLoss() is twice the greatest loss of training, whatever validations had", () => {
  const run = (...loss: (number | null)[]) => ({ series: { steps: { loss }, epochs: [{ valLoss: 72 }] } });
  assertEquals([mostLoss([run(2, 1, null), run(0.5, 2.5)]), mostLoss([]), mostLoss([run()])], [5, Infinity, Infinity]);
});

Deno.test("compareRuns() orders runs by a column, those without a value last, and by time else", () => {
  const run = (path: string, changed: number, top1?: number, valLoss: number | null = null, status = "finished") => ({
    ...{ path, changed, status, best: top1 === undefined ? undefined : { top1, epoch: 0 }, valLoss },
  });
  const runs = [run("r10", 1, 0.5, 2), run("r9", 3, 0.9, 1), run("r1", 2), run("r2", 0, 0.5, 3, "running")];
  const sorted = (order?: { column: string; descending: boolean }) =>
    runs.toSorted(compareRuns(order)).map(({ path }) => path);
  assertEquals(sorted(), ["r2", "r9", "r1", "r10"]);
  assertEquals(sorted({ column: "best", descending: true }), ["r9", "r2", "r10", "r1"]);
  assertEquals(sorted({ column: "best", descending: false }), ["r2", "r10", "r9", "r1"]);
  assertEquals(sorted({ column: "loss", descending: false }), ["r9", "r10", "r2", "r1"]);
  assertEquals(sorted({ column: "run", descending: false }), ["r1", "r2", "r9", "r10"]);
  const first = nextOrder(undefined, "best"), second = nextOrder(first, "best");
  assertEquals([first, second, nextOrder(second, "best"), nextOrder(second, "loss")], [
    { column: "best", descending: true },
    { column: "best", descending: false },
    undefined,
    { column: "loss", descending: false },
  ]);
});

Deno.test("options are written as the command line takes them", () => {
  const values = [undefined, null, [2, 4], false, 0.5, "wide", { a: 1 }];
  assertEquals(values.map(textOf), ["–", "–", "2, 4", "false", "0.5", "wide", '{"a":1}']);
});

Deno.test("numbers and times are written as people read them", () => {
  assertEquals([0, 1234.5, 0.12345, 1.5e-6, null, undefined, -0.5, 1_234_567, 1.1665e25, -2e12].map(short), [
    "0",
    "1,235",
    "0.1235",
    "1.5e-6",
    "–",
    "–",
    "-0.5",
    "1,234,567",
    "1.17e25",
    "-2e12",
  ]);
  assertEquals([0.98765, 1, null].map(percent), ["98.77 %", "100.00 %", "–"]);
  const now = 1e12, passed = [0, 59, 60, 3599, 3600, 86_399, 200_000].map((seconds) => ago(now - 1000 * seconds, now));
  assertEquals(passed, ["0 s ago", "59 s ago", "1 min ago", "59 min ago", "1 h ago", "23 h ago", "2 d ago"]);
  assertEquals([0, 9.94, 59, 61, 3700].map(duration), ["0.0 s", "9.9 s", "59 s", "1 min 1 s", "1 h 1 min"]);
});

Deno.test("PageFiles has every file of the page, and all that these import", async () => {
  const files = new PageFiles(), names: string[] = [];
  const visit = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`./page/${folder}`, import.meta.url))) {
      if (isDirectory) await visit(`${folder}${name}/`);
      else names.push(`${folder}${name}`);
    }
  };
  await visit("");
  for (const name of names) {
    const file = files.at(name === "index.html" ? "/" : `/${name}`), { text } = await file!;
    assertEquals(text, await Deno.readTextFile(new URL(`./page/${name}`, import.meta.url)), name);
  }
  assertEquals(files.at("/none.js"), undefined);
  assertEquals(files.at("/toString"), undefined);
});
