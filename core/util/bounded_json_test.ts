import { assertEquals, assertThrows } from "@std/assert";
import { measureJson, parseJson } from "./bounded_json.ts";
import { didYouMean, nearestName } from "./nearest_name.ts";
import { DataError } from "./errors.ts";

const measure = (text: string) => measureJson(new TextEncoder().encode(text));

Deno.test("measureJson() counts what stands outside of text", () => {
  assertEquals(measure('{"a":[{},{"b{,:\\"[":1}],"c":"{[:,\\\\"}'), {
    depth: 3,
    containers: 4,
    entries: 3,
    outerEntries: 2,
    values: 7,
  });
  assertEquals(measure("7"), { depth: 0, containers: 0, entries: 0, outerEntries: 0, values: 1 });
});

Deno.test("parseJson() parses what keeps within bounds, and nothing else", () => {
  const value = { a: [1, 2, { b: null }], "ä": "[[[[[" };
  assertEquals(parseJson(JSON.stringify(value), "a.json", { depth: 3 }), value);
  assertEquals(parseJson(new TextEncoder().encode(JSON.stringify(value)), "a.json"), value);
  assertThrows(() => parseJson("{", "a.json"), SyntaxError);
  const refused = (text: string, message: string) => assertThrows(() => parseJson(text, "a.json"), DataError, message);
  refused("[".repeat(100_000), "a.json: the JSON is nested in 100000 levels, more than 64; is it another file?");
  refused(`[${"{},".repeat(300_000)}{}]`, "holds 300002 lists and objects, more than 200000");
  refused(`{${'"a":1,'.repeat(300_000)}"a":1}`, "holds 300001 entries of objects, more than 200000");
  refused(`[${"1,".repeat(5_000_000)}1]`, "holds 5000002 values, more than 4000000");
});

Deno.test("nearestName() passes over words that are much longer than any name, without counting edits", () => {
  const word = "resnet50".repeat(500_000);
  assertEquals(nearestName(word, ["resnet18", "resnet50"]), undefined);
  assertEquals(didYouMean(word, ["resnet50"]), ".");
  assertEquals(nearestName("resnt50", ["resnet18", "resnet50"]), "resnet50");
});
