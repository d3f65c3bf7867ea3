import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ASSUMED_MULTIPROCESSORS, multiprocessorsOf } from "./multiprocessors.ts";
import { type Launch, occupancy } from "./occupancy.ts";

const HOPPER = multiprocessorsOf("nvidia", "nvidia-hopper", "");

/** Blocks of two warps, of which registers admit nine at a time. */
const LAUNCH: Launch = { blocks: 132, work: 128_000, threads: 64, registers: 112, workgroupBytes: 8192 };

Deno.test("occupancy() is in cycles: multiply-adds of the busiest multiprocessor by 128 lanes and their use", () => {
  assertEquals(occupancy(LAUNCH, HOPPER).resident, 9);
  // One block of two warps keeps half of the lanes busy.
  assertEquals(occupancy(LAUNCH, HOPPER).cycles, 2000);
  assertEquals(occupancy({ ...LAUNCH, blocks: 1 }, HOPPER).cycles, 2000);
  assertEquals(occupancy({ ...LAUNCH, blocks: 133 }, HOPPER).cycles, 2 * 1000 * (4 + 2) / 4);
  assertAlmostEquals(occupancy({ ...LAUNCH, blocks: 132 * 90 }, HOPPER).cycles, 90 * 1000 * 20 / 18, 1e-6);
  assertEquals(occupancy({ ...LAUNCH, blocks: 132 * 90 }, HOPPER).waves, 10);
});

Deno.test("occupancy() counts what registers, threads and workgroup memory hold at a time", () => {
  assertEquals(occupancy({ ...LAUNCH, registers: 255 }, HOPPER).resident, 4);
  assertEquals(occupancy({ ...LAUNCH, threads: 1024, registers: 16 }, HOPPER).resident, 2);
  assertEquals(occupancy({ ...LAUNCH, workgroupBytes: 48 * 1024 }, HOPPER).resident, 2);
  assertEquals(occupancy({ ...LAUNCH, workgroupBytes: 200 * 1024 }, HOPPER).resident, 1);
});

Deno.test("occupancy() expects kernels to take three to six times as long where a thread has more registers than it may", () => {
  const cycles = (registers: number, held: number, registersOfThread: number) => {
    const launch = { ...LAUNCH, threads: 32, registers, heldRegisters: held };
    return occupancy(launch, { ...HOPPER, registersOfThread }).cycles / occupancy(launch, HOPPER).cycles;
  };
  assertEquals([cycles(100, 0, 100), cycles(128, 0, 100), cycles(200, 0, 100)], [1, 6, 6]);
  assertEquals([cycles(80, 20, 100), cycles(80, 34, 100)], [1, 4.5]);
  assert(["intel", "apple", ""].every((vendor) => multiprocessorsOf(vendor, "", "").registersOfThread < 128));
  assert(multiprocessorsOf("amd", "", "").registersOfThread > 200);
});

Deno.test("occupancy() sets what it takes to add parts up against what a split gains", () => {
  const parts = (parts: number, partialBytes: number): Launch => ({
    ...LAUNCH,
    blocks: 8 * parts,
    work: 128_000_000 / parts,
    parts,
    partialBytes,
  });
  const whole = occupancy(parts(1, 0), HOPPER).cycles;
  assert(occupancy(parts(16, 1e6), HOPPER).cycles < whole / 8);
  assert(occupancy(parts(16, 4e9), HOPPER).cycles > whole);
});

Deno.test("occupancy() is by what is known of a device's multiprocessors", () => {
  // 132 blocks on 60 compute units: three on the busiest, two warps each, of which one keeps half of 64 lanes busy.
  const amd = multiprocessorsOf("amd", "", "AMD Radeon RX 6800");
  assertEquals([amd.count, amd.lanes], [60, 64]);
  assertEquals(occupancy(LAUNCH, amd).cycles, 3 * 2000 * (6 + 1) / 6);
  // 1,536 threads instead of 2,048, and 16 blocks instead of 32.
  const ampere = multiprocessorsOf("nvidia", "nvidia-ampere", "NVIDIA GeForce RTX 3080");
  const threads = { ...LAUNCH, threads: 256, registers: 24 },
    blocks = { ...LAUNCH, threads: 32, registers: 16, workgroupBytes: 0 };
  assertEquals([threads, blocks].map((launch) => occupancy(launch, HOPPER).resident), [8, 32]);
  assertEquals([threads, blocks].map((launch) => occupancy(launch, ampere).resident), [6, 16]);
});

Deno.test("multiprocessorsOf() knows vendors, architectures and products, the longer names first", () => {
  const count = (vendor: string, architecture: string, name: string) =>
    multiprocessorsOf(vendor, architecture, name).count;
  assertEquals(count("nvidia", "nvidia-ada", "NVIDIA GeForce RTX 4090"), 128);
  assertEquals(count("nvidia", "nvidia-ada", "NVIDIA GeForce RTX 4070 Ti"), 60);
  assertEquals(count("nvidia", "nvidia-ada", "NVIDIA GeForce RTX 4070"), 46);
  assertEquals(count("nvidia", "nvidia-ampere", "NVIDIA A100-SXM4-80GB"), 108);
  assertEquals(multiprocessorsOf("nvidia", "nvidia-ampere", "NVIDIA A100-SXM4-80GB").lanes, 64);
  assertEquals(count("amd", "", "AMD Radeon RX 7900 XTX (RADV NAVI31)"), 96);
  assertEquals(count("amd", "", "AMD Radeon RX 7900 XT"), 84);
  assertEquals(count("intel", "", "Intel(R) Arc(TM) A770 Graphics (DG2)"), 32);
  assertEquals(["Apple M1", "Apple M1 Pro", "Apple M4 Max", "Apple M3"].map((name) => count("apple", "", name)), [
    8,
    16,
    40,
    10,
  ]);
  assertEquals(multiprocessorsOf("", "", "a device"), ASSUMED_MULTIPROCESSORS);
});
