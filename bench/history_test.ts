import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError } from "../core/mod.ts";
import {
  HISTORY,
  type HistoryEntry,
  parseHistory,
  readHistory,
  recordRun,
  seriesOf,
  withoutRecord,
} from "./history.ts";
import { historySvg } from "./history_plot.ts";

function entry(date: string, value: number, changes: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    date,
    benchmark: "bench",
    arguments: ["cpu", "32"],
    device: "CPU",
    commit: "0123456789ab",
    isModified: false,
    machine: { cpu: "a processor", cores: 2, system: "linux", deno: "2.9.6", v8: "15" },
    figures: [{ name: "training", value, unit: "images/s" }],
    ...changes,
  };
}

Deno.test("recordRun() appends a line that readHistory() reads", async () => {
  const file = await Deno.makeTempFile(), figures = [{ name: "training", value: 12.5, unit: "images/s" }];
  const measured = { benchmark: "bench", arguments: ["cpu", "8"], device: "CPU", figures };
  await recordRun(measured, undefined, file);
  await recordRun(measured, "not quiet", file);
  const [first, second] = await readHistory(file);
  for (const { benchmark, figures, machine, date } of [first, second]) {
    assertEquals({ benchmark, figures }, { benchmark: "bench", figures: measured.figures });
    assert(machine.cores > 0 && Math.abs(Date.now() - Date.parse(date)) < 60_000);
  }
  assertEquals([first.note, second.note], [undefined, "not quiet"]);
  await Deno.remove(file);
});

Deno.test("the history that is committed can be read", async () => {
  assert((await readHistory(HISTORY)).length > 0);
});

Deno.test("readHistory() and parseHistory() say what cannot be read", async () => {
  const lines = JSON.stringify(entry("2026-01-01T00:00:00Z", 1));
  for (const bad of ["{", "null", "{}", lines.replace('"value":1', '"value":null'), lines.replace("2026", "x")]) {
    const { message } = assertThrows(() => parseHistory(`${lines}\n${bad}\n`, "history.jsonl"), DataError);
    assertStringIncludes(message, "history.jsonl: line 2 is no run of a benchmark");
  }
  await assertRejects(() => readHistory("/no/such/history"), DataError, "does not exist");
});

Deno.test("withoutRecord() leaves what tells runs apart", () => {
  assertEquals(withoutRecord(["cpu", "--record", "8", "--note", "busy", "--tune=full"]), ["cpu", "8", "--tune=full"]);
  assertEquals(withoutRecord(["--note=busy", "--no-record", "--notes", "x"]), ["--notes", "x"]);
});

Deno.test("seriesOf() joins runs of the same work on the same device, by date", () => {
  const series = seriesOf([
    entry("2026-01-02T00:00:00Z", 2),
    entry("2026-01-01T00:00:00Z", 1),
    entry("2026-01-03T00:00:00Z", 3, { device: "a GPU" }),
    entry("2026-01-04T00:00:00Z", 4, { arguments: ["cpu", "64"] }),
  ]);
  assertEquals(
    series.map(({ title, where, points }) => [title, where.split(";")[0], points.map(({ value }) => value)]),
    [
      ["bench cpu 32: training", "CPU", [1, 2]],
      ["bench cpu 32: training", "a GPU", [3]],
      ["bench cpu 64: training", "CPU", [4]],
    ],
  );
});

Deno.test("historySvg() draws a panel a figure and a curve a device", () => {
  const svg = historySvg(seriesOf([
    entry("2026-01-01T00:00:00Z", 1),
    entry("2026-01-02T00:00:00Z", 2),
    entry("2026-01-02T00:00:00Z", 3, { device: "a GPU" }),
    entry("2026-01-02T00:00:00Z", 4, { arguments: ["cpu", "<64>"] }),
  ]));
  assertEquals(svg.match(/aria-label="line"/g)?.length, 3);
  assertEquals(svg.match(/<circle/g)?.length, 4);
  assertStringIncludes(svg, "bench cpu 32: training, images/s");
  assertStringIncludes(svg, "a GPU; a processor, 2 cores");
  assert(!svg.includes("NaN") && !svg.includes("<64>"));
});
