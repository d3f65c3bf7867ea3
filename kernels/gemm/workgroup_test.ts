import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, type WebGpuKernel } from "../../core/mod.ts";
import { withUniformSizes } from "../../core/webgpu/text/sizes.ts";
import { divisions, placesRead, sliceLoop } from "../../tests/_loop_text.ts";
import type { GemmProblem } from "./problem.ts";
import { blockHeight, blockWidth, threadsOfTile, WORKGROUP_TILES } from "./tiles.ts";
import { WORKGROUP_GEMM } from "./workgroup_family.ts";

const LAVAPIPE = DEVICE_PROFILES.lavapipe, BUFFERS = { a: 0, b: 1, c: 2 };

/** A product of row-major matrices, or of those whose other side is. */
function product(m: number, n: number, k: number, a: "N" | "T", b: "N" | "T"): GemmProblem {
  return { m, n, k, a: a === "N" ? [k, 1] : [1, m], b: b === "N" ? [n, 1] : [1, k], buffers: BUFFERS };
}

const KINDS = [["N", "N"], ["N", "T"], ["T", "N"], ["T", "T"]] as const;

/** The loops over slices of all variants of a problem, by name. */
function loops(problem: GemmProblem): [name: string, loop: string, kernel: WebGpuKernel][] {
  return WORKGROUP_GEMM.configurations(problem, LAVAPIPE).map((configuration) => {
    const { kernels } = WORKGROUP_GEMM.emit(problem, configuration, LAVAPIPE);
    const kernel = kernels.find(({ wgsl }) => wgsl.includes("workgroupBarrier"))!;
    return [WORKGROUP_GEMM.nameOf!(configuration, problem), sliceLoop(kernel.wgsl), kernel];
  });
}

Deno.test("a loop over slices has no division, whatever the tile, the split and the operands", () => {
  for (const [a, b] of KINDS) {
    for (const size of [[256, 256, 256], [71, 76, 68], [17, 9, 33], [1, 1, 1]]) {
      const [m, n, k] = size, all = loops(product(m, n, k, a, b));
      assert(all.length >= Object.keys(WORKGROUP_TILES).length);
      for (const [name, loop] of all) assertEquals(divisions(loop), [], `${name} of ${size}`);
    }
  }
  assertEquals(divisions("x = y / 4u;").length, 1);
});

Deno.test("a loop over slices reads them at a place for each vector of a depth, whatever the depths", () => {
  for (const [a, b] of KINDS) {
    const problem = product(71, 76, 68, a, b), configurations = WORKGROUP_GEMM.configurations(problem, LAVAPIPE);
    for (const [i, [name, loop]] of loops(problem).entries()) {
      const { rows, vectors } = WORKGROUP_TILES[configurations[i].tile];
      assertEquals([placesRead(loop, "sliceA"), placesRead(loop, "sliceB")], [rows / 4, vectors], name);
    }
  }
  assertEquals(placesRead("x[1][a + 2u]; x[2][a + 2u]; x[1][a] = 1; x[a];", "x"), 2);
});

Deno.test("a loop over slices has no condition where blocks and slices divide the product, and one where they do not", () => {
  const clamps = /\b(min|max|clamp|select)\(/;
  for (const [a, b] of KINDS) {
    for (const [name, loop] of loops(product(256, 256, 256, a, b))) assert(!clamps.test(loop), name);
  }
  for (const [name, loop] of loops(product(256, 256, 260, "T", "N"))) {
    assertEquals(clamps.test(loop), !name.includes("x4 "), name);
  }
});

Deno.test("a loop over slices loads vectors alone", () => {
  for (const [a, b] of KINDS) {
    for (const [name, , { bindings }] of loops(product(71, 75, 67, a, b))) {
      assert(bindings.filter(({ write }) => !write).every(({ vector }) => vector), name);
    }
  }
});

Deno.test("products of other sizes that blocks and slices divide have one text where sizes are in a uniform", () => {
  for (const [a, b] of KINDS) {
    const texts = [[256, 512, 128], [128, 256, 1024]].map(([m, n, k]) =>
      new Map(loops({ ...product(m, n, k, a, b), batch: 3 }).map(([name, , kernel]) => [name, kernel]))
    );
    let shared = 0;
    for (const [name, { wgsl, bindings }] of texts[0]) {
      const other = texts[1].get(name);
      if (other === undefined) continue;
      const [one, two] = [wgsl, other.wgsl].map((text) => withUniformSizes(text, bindings.length)!);
      assertEquals(one.wgsl, two.wgsl, name);
      assert(String(one.words) !== String(two.words), name);
      shared++;
    }
    assert(shared > 10, `${shared}`);
  }
});

Deno.test("the threads of a tile are a multiple of the vectors along each side of a block", () => {
  for (const [name, tile] of Object.entries(WORKGROUP_TILES)) {
    const threads = threadsOfTile(tile);
    for (const size of [blockHeight(tile) / 4, blockWidth(tile) / 4, tile.depth / 4]) {
      assertEquals(threads % size, 0, name);
    }
    assertEquals(name, `${blockHeight(tile)}x${blockWidth(tile)}x${tile.depth} ${tile.rows}x${4 * tile.vectors}`);
  }
});
