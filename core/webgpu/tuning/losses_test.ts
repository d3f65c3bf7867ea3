import { assertEquals } from "@std/assert";
import { Losses } from "./losses.ts";

Deno.test("Losses lets a family rest after two losses in a row, or a clear one, for the ops of a kind", () => {
  const losses = new Losses(), rests = () => losses.rests("conv2d", "direct");
  losses.note("conv2d", "direct", 1.6);
  assertEquals(rests(), false);
  losses.note("conv2d", "direct", 1.4);
  losses.note("conv2d", "direct", 1.6);
  assertEquals(rests(), false);
  losses.note("conv2d", "direct", 1.6);
  assertEquals(rests(), true);
  losses.note("linear", "direct", 3.1);
  assertEquals([losses.rests("linear", "direct"), losses.rests("linear", "tiled")], [true, false]);
});
