import { assert, assertEquals } from "@std/assert";
import { ScratchPool } from "./scratch.ts";

const create = (made: number[]) => (size: number) => {
  made.push(size);
  return { size } as GPUBuffer;
};

Deno.test("ScratchPool gives a node distinct buffers, and the next node the same", () => {
  const made: number[] = [], pool = new ScratchPool(create(made), 1 << 20);
  const first = new Set<GPUBuffer>(), second = new Set<GPUBuffer>();
  const [a, b] = [pool.take(100, first), pool.take(70, first)];
  assert(a !== b && a.size >= 100 && b.size >= 70);
  assertEquals([pool.take(128, second), pool.take(65, second)], [a, b]);
  assertEquals(made, [128, 128]);
});

Deno.test("ScratchPool makes no buffer larger than it may, unless the tensor is", () => {
  const made: number[] = [], pool = new ScratchPool(create(made), 100);
  pool.take(90, new Set());
  pool.take(120, new Set());
  assertEquals(made, [100, 120]);
});
