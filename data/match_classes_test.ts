import { assertEquals } from "@std/assert";
import { matchClasses, unknownClasses } from "./match_classes.ts";

Deno.test("matchClasses() finds names in any order, however Unicode composes them", () => {
  const composed = "caf\u00e9", decomposed = "cafe\u0301";
  assertEquals(matchClasses(["b", composed, "a"], ["a", "b", decomposed]).indices, [2, 0, 1]);
  assertEquals(matchClasses([decomposed], [composed]), { indices: [0], unknown: [] });
  assertEquals(matchClasses(["a", "b"], ["B", "a", "c"]), { indices: [-1, 0, -1], unknown: ["B", "c"] });
});

Deno.test("unknownClasses() names a few of each", () => {
  assertEquals(unknownClasses(["a", "b"], ["c"]), '"c" is not among a, b');
  const many = Array.from({ length: 8 }, (_, k) => `c${k}`);
  assertEquals(
    unknownClasses(many, many.map((name) => name.toUpperCase())),
    '"C0", "C1", "C2", "C3", "C4" and 3 more are not among c0, c1, c2, c3, c4 and 3 more',
  );
});
