import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../../util/random.ts";
import { type Burst, contest, marginOf, spread, type Track } from "./contest.ts";

/** A run's time at full clocks, and the part of it that the clocks do not change, as that which memory takes. */
interface FakeKernel {
  readonly seconds: number;
  readonly fixed?: number;
}

interface FakeOptions {
  /** The share by which readings differ. */
  readonly noise?: number;
  /** The number of the burst that takes ten times as long. */
  readonly outlier?: number;
  /** Whether the device works for 0.1 s before a call's bursts. Defaults to true. */
  readonly warm?: boolean;
}

/** The clock of a GPU: it falls to a sixth in idle times, and rises while it works. */
class FakeDevice implements Track {
  readonly burstSeconds = 5e-3;
  readonly #kernels: readonly FakeKernel[];
  readonly #options: FakeOptions;
  readonly #random = new Random(0, "noise");
  /** The share of the full clock. */
  clock = 1 / 6;
  /** The bursts of each call. */
  readonly calls: Burst[][] = [];
  #bursts = 0;

  constructor(kernels: readonly FakeKernel[], options: FakeOptions = {}) {
    this.#kernels = kernels;
    this.#options = { warm: true, ...options };
  }

  mostRuns(): number {
    return 1000;
  }

  time(bursts: readonly Burst[]): Promise<number[]> {
    this.calls.push([...bursts]);
    // The wait before this call let the clock fall; a device that is kept at work has it up again.
    this.clock = 1 / 6;
    if (this.#options.warm) this.#work(0.1);
    return Promise.resolve(bursts.map(({ candidate, runs }) => {
      const { seconds, fixed = 0 } = this.#kernels[candidate];
      let total = 0;
      for (let run = 0; run < runs; run++) {
        const took = seconds / this.clock + fixed;
        this.#work(took);
        total += took;
      }
      this.#bursts++;
      const factor = 1 + (this.#options.noise ?? 0) * this.#random.uniform(-1, 1);
      return total / runs * factor * (this.#bursts === this.#options.outlier ? 10 : 1);
    }));
  }

  #work(seconds: number): void {
    this.clock = Math.min(1, this.clock + seconds / 0.06);
  }

  runsOf(candidate: number): number {
    return this.calls.flat().filter((burst) => burst.candidate === candidate).length;
  }
}

Deno.test("spread() and marginOf() are not moved by an outlier", () => {
  assertEquals(spread([1, 2, 3, 4, 5]), 1);
  assertEquals(spread([1, 2, 3, 4, 500]), 1);
  assertEquals(marginOf([100, 100, 100]), 3);
  assertEquals(marginOf([90, 95, 100, 105, 110]), 15);
});

Deno.test("contest() takes the fastest, and gives bursts of at least 5 ms", async () => {
  const device = new FakeDevice([{ seconds: 2e-4 }, { seconds: 1e-4 }, { seconds: 1.5e-4 }]);
  const { winner, leader, seconds } = await contest(device, [0, 1, 2], 0);
  assertEquals([winner, leader], [1, 1]);
  assertAlmostEquals(seconds.get(1)!, 1e-4, 1e-9);
  const bursts = device.calls.slice(1).flat();
  assert(bursts.every(({ candidate, runs }) => runs * [2e-4, 1e-4, 1.5e-4][candidate] >= 5e-3 * 0.999));
  assertEquals(device.calls[0].map(({ runs }) => runs), [1, 1, 1]);
});

Deno.test("contest() runs candidates in turn, and every other round backwards", async () => {
  const device = new FakeDevice([{ seconds: 1e-3 }, { seconds: 1.1e-3 }]);
  await contest(device, [0, 1], 0);
  assertEquals(device.calls.map((call) => call.map(({ candidate }) => candidate)), [[0, 1], [
    ...[0, 1],
    ...[1, 0],
    ...[0, 1],
    ...[1, 0],
    ...[0, 1],
  ]]);
});

Deno.test("contest() prefers what is fast at work, not what is fast while the clocks are low", async () => {
  // At a sixth of the clock the first takes 6 ms and the second 4.1, at the full clock 1 and 1.6.
  const kernels = [{ seconds: 1e-3 }, { seconds: 0.5e-3, fixed: 1.1e-3 }];
  assertEquals((await contest(new FakeDevice(kernels), [0, 1], 0)).winner, 0);
  assertEquals((await contest(new FakeDevice(kernels), [0, 1], 1)).winner, 0);
  // Without work before the timing the same kernels are misjudged, so that the fake shows what goes wrong there.
  const idle = await new FakeDevice(kernels, { warm: false }).time([{ candidate: 0, runs: 1 }, {
    candidate: 1,
    runs: 1,
  }]);
  assert(idle[0] > idle[1]);
});

Deno.test("contest() changes nothing where the clocks are not held up, since its readings differ too much", async () => {
  const kernels = [{ seconds: 1e-3 }, { seconds: 0.8e-3 }, { seconds: 2e-3 }];
  assertEquals((await contest(new FakeDevice(kernels), [0, 1, 2], 0)).winner, 1);
  const { winner, margin } = await contest(new FakeDevice(kernels, { warm: false }), [0, 1, 2], 0);
  assert(margin > 1e-3, `${margin}`);
  assertEquals(winner, 0);
});

Deno.test("contest() does not take what an outlier makes look fast or slow", async () => {
  for (let outlier = 1; outlier <= 12; outlier++) {
    const kernels = [{ seconds: 1e-3 }, { seconds: 1.05e-3 }];
    assertEquals((await contest(new FakeDevice(kernels, { outlier }), [0, 1], 0)).winner, 0, `burst ${outlier}`);
    const faster = [{ seconds: 1e-3 }, { seconds: 0.9e-3 }];
    assertEquals((await contest(new FakeDevice(faster, { outlier }), [0, 1], 0)).winner, 1, `burst ${outlier}`);
  }
});

Deno.test("contest() keeps the preferred one where another is faster by less than the noise", async () => {
  const twoPercent = [{ seconds: 1e-3 }, { seconds: 0.98e-3 }];
  const quiet = await contest(new FakeDevice(twoPercent), [0, 1], 0);
  assertEquals([quiet.winner, quiet.leader], [0, 1]);
  assertAlmostEquals(quiet.margin, 0.03e-3, 1e-9);
  // 8 % faster wins where it is quiet, not where readings of the preferred one differ by 10 %.
  const eight = [{ seconds: 1e-3 }, { seconds: 0.92e-3 }];
  assertEquals((await contest(new FakeDevice(eight), [0, 1], 0)).winner, 1);
  const noisy = await contest(new FakeDevice(eight, { noise: 0.1 }), [0, 1], 0);
  assert(noisy.margin > 0.08e-3, `${noisy.margin}`);
  assertEquals(noisy.winner, 0);
});

Deno.test("contest() drops losers at once, and halves the others each round", async () => {
  const seconds = [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 10].map((each) => ({ seconds: each * 1e-3 }));
  const device = new FakeDevice(seconds);
  const { winner } = await contest(device, seconds.map((_, k) => k), 8);
  assertEquals(winner, 0);
  // The preferred one stays to the end although it is slow. Of the eight others, 8, 4, 2 and 1 run.
  assertEquals(seconds.map((_, k) => device.runsOf(k)), [6, 4, 3, 3, 2, 2, 2, 2, 6]);
  const slow = new FakeDevice([{ seconds: 1e-3 }, { seconds: 40e-3 }, { seconds: 1e-5 }, { seconds: 4e-5 }]);
  await contest(slow, [0, 1, 2, 3], 0);
  // A run of 40 ms is believed; one of 40 µs only after a burst.
  assertEquals([slow.runsOf(1), slow.runsOf(3)], [1, 2]);
});

Deno.test("contest() ends where none can be faster than the preferred one", async () => {
  const device = new FakeDevice([1, 1.2, 1.3, 2].map((each) => ({ seconds: each * 1e-3 })));
  assertEquals((await contest(device, [0, 1, 2, 3], 0)).winner, 0);
  assertEquals([0, 1, 2, 3].map((k) => device.runsOf(k)), [2, 2, 2, 2]);
});

Deno.test("contest() without a preferred one takes the least median; alone, one wins", async () => {
  const kernels = [{ seconds: 1e-3 }, { seconds: 0.99e-3 }];
  assertEquals((await contest(new FakeDevice(kernels), [0, 1], undefined)).winner, 1);
  const device = new FakeDevice(kernels);
  assertEquals((await contest(device, [1], 1)).winner, 1);
  assertEquals(device.runsOf(1), 2);
});

Deno.test("contest() takes fewer rounds where a run is long", async () => {
  const device = new FakeDevice([{ seconds: 1 }, { seconds: 0.9 }]);
  assertEquals((await contest(device, [0, 1], 0)).winner, 1);
  assertEquals([device.runsOf(0), device.runsOf(1)], [4, 4]);
});
