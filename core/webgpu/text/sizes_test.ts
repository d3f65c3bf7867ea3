import { assertEquals, assertThrows } from "@std/assert";
import { hasSizes, sizeWgsl, withConstantSizes, withUniformSizes } from "./sizes.ts";

const TEXT = `let at = i * ${sizeWgsl("row", 784)} + ${sizeWgsl("row", 784)}; let y = z - ${
  sizeWgsl("width", 28, "i32")
};`;

Deno.test("withConstantSizes() writes sizes as numbers of their types", () => {
  assertEquals(withConstantSizes(TEXT), "let at = i * 784u + 784u; let y = z - 28;");
  assertEquals([TEXT, withConstantSizes(TEXT)].map(hasSizes), [true, false]);
});

Deno.test("withUniformSizes() has a word for each size, and the same text for others", () => {
  const { wgsl, words } = withUniformSizes(TEXT, 3)!;
  assertEquals(
    wgsl,
    `struct Sizes { row: u32, width: u32 }
@group(0) @binding(3) var<uniform> sizes: Sizes;
let at = i * sizes.row + sizes.row; let y = z - i32(sizes.width);`,
  );
  assertEquals([...words], [784, 28]);
  const other = TEXT.replaceAll("784", "5");
  assertEquals([withUniformSizes(other, 3)!.wgsl, ...withUniformSizes(other, 3)!.words], [wgsl, 5, 28]);
  assertEquals(withUniformSizes("let x = vec4<f32>(1.0);", 0), undefined);
});

Deno.test("withUniformSizes() refuses a name of two values, and more than a uniform has room for", () => {
  assertThrows(() => withUniformSizes(sizeWgsl("row", 1) + sizeWgsl("row", 2), 0), Error, "row is both 1 and 2");
  const many = (count: number) => Array.from({ length: count }, (_, k) => sizeWgsl(`s${k}`, k)).join();
  assertEquals(withUniformSizes(many(64), 0)!.words.length, 64);
  assertThrows(() => withUniformSizes(many(65), 0), Error, "65 sizes; 64");
});
