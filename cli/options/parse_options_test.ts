import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import { onePositional, parseArguments, parseNumber, refusePositionals, resolveOptions } from "./parse_options.ts";
import { TRAIN_OPTIONS } from "./train_options.ts";

const TABLE = {
  top: { kind: "integer", about: "how many", default: 5, minimum: 1 },
  model: { kind: "text", value: "NAME", about: "which" },
  json: { kind: "flag", about: "as JSON", default: false },
} as const;

Deno.test("parseArguments() takes options and what stands between them in any order", () => {
  const values = { top: 3, model: "resnet20", json: true };
  for (
    const args of [
      ["a.png", "--top", "3", "b c.jpg", "--json", "--model=resnet20", "007"],
      ["--json", "a.png", "b c.jpg", "--model", "resnet20", "007", "--top=3"],
      ["--json", "--top", "3", "--model", "resnet20", "--", "a.png", "b c.jpg", "007"],
    ]
  ) {
    const parsed = parseArguments("predict", TABLE, args);
    assertEquals([parsed.values, parsed.positionals], [values, ["a.png", "b c.jpg", "007"]]);
  }
  assertEquals(parseArguments("predict", TABLE, ["--", "--json"]).positionals, ["--json"]);
  assertEquals(parseArguments("predict", TABLE, []), {
    values: { top: 5, json: false },
    given: {},
    positionals: [],
  });
});

Deno.test("parseArguments() refuses unknown options wherever they stand", () => {
  for (const args of [["--tpo", "3"], ["a.png", "--tpo=3"], ["--json", "a.png", "--tpo"]]) {
    assertThrows(() => parseArguments("predict", TABLE, args), UsageError, "--tpo; did you mean --top?");
  }
});

Deno.test("resolveOptions() keeps numbers within their bounds, those that would take all memory or threads among them", () => {
  const refused = (given: Record<string, string>, message: string) =>
    assertThrows(() => resolveOptions(TRAIN_OPTIONS, given), UsageError, message);
  refused({ workers: "1000000" }, '--workers: expected a whole number from 0 to 64 but "1000000" came');
  refused({ threads: "99999" }, "--threads: expected a whole number from 1 to 64 but");
  refused({ size: "100000" }, "--size: expected a whole number from 1 to 4096 but");
  refused({ batch: "65537" }, "--batch: expected a whole number from 1 to 65536 but");
  refused({ accumulate: "1e9" }, "--accumulate: expected a whole number from 1 to 65536 but");
  for (const lr of ["0", "-1", "fast", "Auto"]) {
    refused({ lr }, `--lr: expected a number above 0 or auto but "${lr}" came`);
  }
  refused({ "max-megapixels": "1e9" }, "--max-megapixels: expected a number from 0 to 4000 but");
  assertEquals([resolveOptions(TRAIN_OPTIONS, { lr: "auto" }).lr, resolveOptions(TRAIN_OPTIONS, { lr: "1e-9" }).lr], [
    "auto",
    1e-9,
  ]);
  const most = { workers: 64, threads: 64, size: 4096, batch: 65536, accumulate: 65536, "max-megapixels": 4000 };
  const values: Record<string, unknown> = resolveOptions(TRAIN_OPTIONS, {}, most);
  for (const [name, value] of Object.entries(most)) assertEquals(values[name], value);
});

Deno.test("refusePositionals() refuses what is no option", () => {
  assertThrows(() => refusePositionals("eval", ["a.png", "b.png"]), UsageError, 'argument "a.png"; eval takes options');
  refusePositionals("eval", []);
});

Deno.test("onePositional() refuses none and several, and says how many came", () => {
  assertEquals(onePositional(["a"], "Expected one"), "a");
  assertThrows(() => onePositional([], "Expected one"), UsageError, "Expected one but none came");
  assertThrows(() => onePositional(["a", "b"], "Expected one", "; see"), UsageError, "Expected one but 2 came; see");
});

Deno.test("parseNumber() reads decimal numbers alone", () => {
  const right = { "7": 7, "-0.5": -0.5, "+1e-4": 1e-4, " .5": 0.5, "5.": 5, "2E3": 2000 };
  for (const [text, number] of Object.entries(right)) assertEquals(parseNumber(text), number, text);
  for (const text of ["", " ", "0x10", "0b1", "1_000", "1,5", "Infinity", "NaN", "1e", "e3", ".", "7px"]) {
    assertEquals(parseNumber(text), NaN, text);
  }
  const parse = (top: string) => parseArguments("predict", TABLE, ["--top", top]);
  assertThrows(() => parse("0x10"), UsageError, '--top: expected a whole number of at least 1 but "0x10" came');
});
