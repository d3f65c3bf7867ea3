import { assertEquals } from "@std/assert";
import { f32 } from "../../graph/shape.ts";
import type { WebGpuVariant } from "./family.ts";
import { ASSUMED_MULTIPROCESSORS } from "./multiprocessors.ts";
import { promisingVariants } from "./promising.ts";

/** A variant whose launch does some work in each of as many blocks as there are multiprocessors. */
function variant(family: string, work?: number, changes: Partial<WebGpuVariant> = {}): WebGpuVariant {
  const launch = work === undefined
    ? undefined
    : { threads: 256, registers: 64, workgroupBytes: 8192, blocks: 32, work };
  return { name: family, family, version: 1, configuration: {}, kernels: [], launch, ...changes };
}

const spec = { inputs: [f32([64])], outputs: [f32([64])] };
const promising = (variants: readonly WebGpuVariant[], preferred = 0) =>
  promisingVariants(variants, preferred, spec, ASSUMED_MULTIPROCESSORS);

Deno.test("promisingVariants() tries the configurations of a family from the best estimate on, and not those far from it", () => {
  const tiled = [4000, 1000, 1400, 1600].map((work) => variant("tiled", work));
  assertEquals(promising([variant("plain"), ...tiled]), [0, 2, 3]);
});

Deno.test("promisingVariants() keeps the one that runs untuned, whatever is estimated of it", () => {
  assertEquals(promising([variant("tiled", 4000), variant("tiled", 1000)]), [1, 0]);
});

Deno.test("promisingVariants() compares estimates within a family alone, and tries all of which there is none", () => {
  assertEquals(promising([variant("a"), variant("a"), variant("b", 9000), variant("c", 10)]), [0, 1, 2, 3]);
});

Deno.test("promisingVariants() leaves out long texts and large scratch memory", () => {
  const kernel = { wgsl: "x".repeat(100_001), bindings: [], workgroups: [1, 1, 1] as const };
  const long = variant("long", undefined, { kernels: [kernel] });
  const large = variant("large", undefined, { workspace: [f32([5 << 20])] });
  assertEquals(promising([variant("plain"), long, large]), [0]);
  assertEquals(promising([variant("plain"), long, large], 1), [0, 1]);
});
