/** The scheduler against the written order of random programs, and on the programs that it is made for. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../util/random.ts";
import { schedule, type ScheduledKernel } from "./schedule.ts";

type Kernel = ScheduledKernel<string>;

/** A kernel that reads and writes buffers by name. */
function kernel(movable: boolean, reads: readonly string[], writes: readonly string[]): Kernel {
  const buffers = [
    ...reads.filter((name) => !writes.includes(name)).map((buffer) => ({ buffer, write: false, as: "r" })),
    ...writes.map((buffer) => ({ buffer, write: true, as: "w" })),
  ];
  return { movable, buffers };
}

/** The names of variables begin with v, those of inputs with i. */
function scheduled(kernels: readonly Kernel[], mostBuffers = 8) {
  return schedule(kernels, {
    mostBuffers,
    isVariable: (name) => name.startsWith("v"),
    isInput: (name) => name.startsWith("i"),
  });
}

/**
 * Runs kernels on a memory of hashes: a written value hashes the kernel and all values that it found. Scratch buffers hold
 * garbage before they are first written, so a kernel that writes one first does not hash its old value.
 */
function execute(kernels: readonly Kernel[], order: Iterable<number>, memory: Map<string, number>): void {
  const written = new Set<string>();
  for (const index of order) {
    let hash = index + 1;
    for (const { buffer, write } of kernels[index].buffers) {
      const found = !write || !buffer.startsWith("b") || written.has(buffer) ? memory.get(buffer)! : 0;
      hash = (hash * 31 + found) % 1_000_003;
    }
    kernels[index].buffers.forEach(({ buffer, write }, k) => {
      if (!write) return;
      memory.set(buffer, (hash * 17 + k) % 1_000_003);
      written.add(buffer);
    });
  }
}

/** A random program over few buffers, which it reuses; no scratch buffer is read before it is written. */
function randomProgram(random: Random): Kernel[] {
  const written = new Set<string>(), kernels: Kernel[] = [];
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, k) => `${prefix}${k}`);
  const pick = (
    list: readonly string[],
    most: number,
  ) => [...new Set(Array.from({ length: random.integer(most + 1) }, () => list[random.integer(list.length)]))];
  for (let k = 0; k < 5 + random.integer(40); k++) {
    const reads = [...pick([...names("v", 6), ...names("i", 2), ...written], 3)];
    const inPlace = random.integer(5) === 0 ? pick(names("v", 3), 1) : [];
    const writes = [...pick(names("b", 7), 2).filter((name) => !reads.includes(name)), ...inPlace];
    kernels.push(kernel(random.integer(3) > 0, reads, writes));
    for (const name of writes) if (name.startsWith("b")) written.add(name);
  }
  return kernels;
}

Deno.test("schedule() gives the results of the written order of random programs, over steps with writes in between", () => {
  const random = new Random(3, "schedule");
  let merged = 0, prologues = 0;
  for (let round = 0; round < 300; round++) {
    const kernels = randomProgram(random), mostBuffers = 3 + random.integer(8);
    const { prologue, step } = scheduled(kernels, mostBuffers);
    assertEquals([...prologue, ...step].flat().sort((a, b) => a - b), [...kernels.keys()]);
    for (const group of [...prologue, ...step].filter(({ length }) => length > 1)) {
      merged++;
      const bound = new Set<string>(), written = new Set<string>();
      for (const { movable, buffers } of group.map((index) => kernels[index])) {
        assert(movable);
        for (const { buffer, write } of buffers) {
          assert(
            !written.has(buffer) && !(write && bound.has(buffer)),
            `${buffer} is written and touched in a dispatch`,
          );
          if (write) written.add(buffer);
        }
        for (const { buffer } of buffers) bound.add(buffer);
      }
      assert(bound.size <= mostBuffers);
    }
    const names = [...new Set(kernels.flatMap(({ buffers }) => buffers.map(({ buffer }) => buffer)))];
    const expected = new Map(names.map((name) => [name, random.integer(1000)])), actual = new Map(expected);
    let changed = true;
    for (let k = 0; k < 4; k++) {
      execute(kernels, kernels.keys(), expected);
      if (changed && prologue.length > 0) {
        execute(kernels, prologue.flat(), actual);
        prologues++;
      }
      execute(kernels, step.flat(), actual);
      assertEquals(actual, expected);
      changed = random.integer(2) === 0;
      for (const name of names) {
        if (!name.startsWith("i") && !(changed && name.startsWith("v"))) continue;
        const value = random.integer(1000);
        expected.set(name, value);
        actual.set(name, value);
      }
    }
  }
  assert(merged > 100 && prologues > 100, `${merged} merged dispatches, ${prologues} prologues`);
});

Deno.test("schedule() gathers the packing of weights before the first convolution, and sums before the updates", () => {
  const layers = [0, 1, 2], kernels: Kernel[] = [];
  for (const k of layers) {
    kernels.push(kernel(true, [`v${k}`], [`packed${k}`]));
    kernels.push(kernel(false, [`packed${k}`, k === 0 ? "i" : `x${k - 1}`], [`x${k}`]));
  }
  for (const k of layers) {
    kernels.push(kernel(false, [`x${k}`], [`parts${k}`]));
    kernels.push(kernel(true, [`parts${k}`], [`d${k}`]));
  }
  for (const k of layers) kernels.push(kernel(true, [`d${k}`], [`v${k}`]));
  assertEquals(scheduled(kernels), {
    prologue: [],
    step: [[0, 2, 4], [1], [3], [5], [6], [8], [10], [7, 9, 11], [12, 13, 14]],
  });
});

Deno.test("schedule() hoists kernels that depend only on variables that no kernel writes into the prologue", () => {
  const kernels = [
    kernel(true, ["v0"], ["a"]),
    kernel(true, ["a", "v1"], ["b"]),
    kernel(true, ["v2"], ["c"]),
    kernel(true, ["i"], ["d"]),
    kernel(false, ["b", "c", "d"], ["e"]),
    kernel(true, [], ["v2"]),
  ];
  assertEquals(scheduled(kernels), { prologue: [[0], [1]], step: [[2, 3], [4], [5]] });
});

Deno.test("schedule() keeps kernels out of the prologue whose results are overwritten or are variables", () => {
  const kernels = [kernel(true, ["v0"], ["a"]), kernel(false, ["a"], ["b"]), kernel(false, ["i"], ["a"])];
  assertEquals(scheduled(kernels).prologue, []);
  assertEquals(scheduled([kernel(true, ["v0"], ["v1"])]).prologue, []);
});

Deno.test("schedule() counts a buffer that several kernels read as one binding", () => {
  const updates = [0, 1, 2].map((k) => kernel(true, ["i"], [`v${k}`]));
  assertEquals(scheduled(updates, 4).step, [[0, 1, 2]]);
  assertEquals(scheduled(updates, 3).step, [[0, 1], [2]]);
});
