import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../util/errors.ts";
import { kernelTable, type MeasuredEntry, parseKernelTable } from "./tables.ts";

const entry = (shapeClass: string, kernel: string, saved: number, size = 1): MeasuredEntry => ({
  shapeClass,
  kernel,
  configuration: { size },
  saved,
});

Deno.test("kernelTable() gives a class of shapes the choice that saves the most in all of them", () => {
  const table = kernelTable("nvidia", "a test", [
    entry("b", "direct@1", 3e-3),
    entry("b", "tiled@2", 2e-3),
    entry("b", "tiled@2", 2e-3),
    entry("b", "tiled@2", 0.5e-3, 2),
    entry("a", "plain@1", 0),
    entry("a", "direct@1", 0),
  ]);
  assertEquals(table, {
    device: "nvidia",
    source: "a test",
    choices: {
      a: { kernel: "plain@1", configuration: { size: 1 } },
      b: { kernel: "tiled@2", configuration: { size: 1 } },
    },
  });
  assertEquals(Object.keys(table.choices), ["a", "b"]);
});

Deno.test("parseKernelTable() reads what JSON.stringify() writes, and refuses anything else", () => {
  const table = kernelTable("nvidia", "a test", [entry("a", "plain@1", 0)]);
  assertEquals(parseKernelTable(JSON.stringify(table), "x.json"), table);
  const choice = (value: unknown) => JSON.stringify({ ...table, choices: { a: value } });
  assertThrows(
    () => parseKernelTable(choice({ kernel: "plain@1", configuration: [] }), "x.json"),
    DataError,
    "a KernelTable as JSON, but choices.a.configuration is [], expected an object",
  );
  for (
    const damaged of [
      "{",
      "null",
      "{}",
      '{"tuning":1,"adapter":"a","choices":{}}',
      JSON.stringify({ ...table, choices: null }),
      choice("plain@1"),
      choice({ kernel: "plain", configuration: {} }),
      choice({ kernel: "plain@1" }),
      choice({ kernel: "plain@1", configuration: [] }),
      choice({ kernel: "plain@1", configuration: { size: null } }),
    ]
  ) {
    assertThrows(() => parseKernelTable(damaged, "x.json"), DataError, "x.json: expected kernels for devices");
  }
});
