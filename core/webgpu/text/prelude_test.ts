import { assertEquals } from "@std/assert";
import { preludeOf, reluWgsl } from "./prelude.ts";

const namesOf = (wgsl: string) => [...preludeOf(wgsl).matchAll(/^fn (\w+)/gm)].map(([, name]) => name);

Deno.test("preludeOf() gives the functions that a kernel calls, and those that they call, declared once", () => {
  assertEquals(namesOf("y[i] = x[i];"), []);
  assertEquals(namesOf("y[i] = relu4(relu4(x[i]));"), ["isNan4", "relu4"]);
  assertEquals(namesOf("y[i] = reluUpTo1(x[i], 6.0f); z[i] = relu4(v);"), ["isNan1", "reluUpTo1", "isNan4", "relu4"]);
  assertEquals(namesOf("if (isNan1(v)) { myRelu1(v); }"), ["isNan1"]);
});

Deno.test("reluWgsl() takes a ceiling", () => {
  assertEquals([reluWgsl("a + b", 4), reluWgsl("v", 1, 6)], ["relu4(a + b)", "reluUpTo1(v, 6.0f)"]);
});
