import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../core/mod.ts";
import { parseArguments, parseNumber, refusePositionals } from "./parse_options.ts";

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

Deno.test("refusePositionals() refuses what is no option", () => {
  assertThrows(() => refusePositionals("eval", ["a.png", "b.png"]), UsageError, 'argument "a.png"; eval takes options');
  refusePositionals("eval", []);
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
