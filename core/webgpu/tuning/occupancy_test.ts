import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Launch, occupancy } from "./occupancy.ts";

/** Blocks of two warps, of which registers admit nine at a time. */
const LAUNCH: Launch = { blocks: 132, work: 128_000, threads: 64, registers: 112, workgroupBytes: 8192 };

Deno.test("occupancy() is in cycles: multiply-adds of the busiest multiprocessor by 128 lanes and their use", () => {
  assertEquals(occupancy(LAUNCH, 132).resident, 9);
  // One block of two warps keeps half of the lanes busy.
  assertEquals(occupancy(LAUNCH, 132).cycles, 2000);
  assertEquals(occupancy({ ...LAUNCH, blocks: 1 }, 132).cycles, 2000);
  assertEquals(occupancy({ ...LAUNCH, blocks: 133 }, 132).cycles, 2 * 1000 * (4 + 2) / 4);
  assertAlmostEquals(occupancy({ ...LAUNCH, blocks: 132 * 90 }, 132).cycles, 90 * 1000 * 20 / 18, 1e-6);
  assertEquals(occupancy({ ...LAUNCH, blocks: 132 * 90 }, 132).waves, 10);
});

Deno.test("occupancy() counts what registers, threads and workgroup memory hold at a time", () => {
  assertEquals(occupancy({ ...LAUNCH, registers: 255 }, 132).resident, 4);
  assertEquals(occupancy({ ...LAUNCH, threads: 1024, registers: 16 }, 132).resident, 2);
  assertEquals(occupancy({ ...LAUNCH, workgroupBytes: 48 * 1024 }, 132).resident, 2);
  assertEquals(occupancy({ ...LAUNCH, workgroupBytes: 200 * 1024 }, 132).resident, 1);
});

Deno.test("occupancy() sets what it takes to add parts up against what a split gains", () => {
  const parts = (parts: number, partialBytes: number): Launch => ({
    ...LAUNCH,
    blocks: 8 * parts,
    work: 128_000_000 / parts,
    parts,
    partialBytes,
  });
  const whole = occupancy(parts(1, 0), 132).cycles;
  assert(occupancy(parts(16, 1e6), 132).cycles < whole / 8);
  assert(occupancy(parts(16, 4e9), 132).cycles > whole);
});
