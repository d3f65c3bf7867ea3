import { assert, assertEquals } from "@std/assert";
import {
  CLOCK_SECONDS,
  DEVICE_SECONDS,
  isLongEnough,
  MOST_RUNS,
  nextRuns,
  type QueuedWork,
  runsOf,
  timeRun,
  timeTurn,
  WARM_SECONDS,
  warmRuns,
} from "./burst.ts";

Deno.test("isLongEnough() asks the device where it has timestamps, else the clock", () => {
  assert(!isLongEnough({ runs: 1, clock: 1, device: DEVICE_SECONDS / 2 }));
  assert(isLongEnough({ runs: 1, clock: 0.011, device: DEVICE_SECONDS }));
  assert(!isLongEnough({ runs: 1, clock: CLOCK_SECONDS / 2 }));
  assert(isLongEnough({ runs: 1, clock: CLOCK_SECONDS }));
});

Deno.test("nextRuns() makes a burst long enough in a few steps, and not too long", () => {
  assertEquals(nextRuns({ runs: 1, clock: 0.011, device: 1e-3 }), 7);
  assertEquals(nextRuns({ runs: 10, clock: 0.011, device: 4.9e-3 }), 20);
  assertEquals(nextRuns({ runs: 1, clock: 0.011, device: 1e-6 }), 16);
  assertEquals(nextRuns({ runs: 1, clock: 0.01 }), 7);
  assertEquals(nextRuns({ runs: 900, clock: 0.01 }), MOST_RUNS);
});

Deno.test("runsOf() and warmRuns() fill their spans, with a run at least", () => {
  assertEquals(runsOf(0.1, 0.03), 4);
  assertEquals(runsOf(0.1, 2), 1);
  assertEquals(runsOf(0.1, 1e-9), MOST_RUNS);
  assertEquals(warmRuns(WARM_SECONDS / 10), 10);
  assertEquals(warmRuns(0.5), 1);
  assertEquals(warmRuns(1), 0);
});

/** Work on a device whose runs take `seconds`, and whose waits end 11 ms after they begin, or later. */
function fakeDevice(seconds: number, timestamps: boolean): { work: QueuedWork; waits: () => number; log: string[] } {
  let now = 0, done = 0, waits = 0;
  const log: string[] = [], clock = performance.now;
  performance.now = () => 1000 * now;
  const wait = () => {
    waits++;
    now = Math.max(now + 0.011, done);
    log.push("wait");
  };
  const work: QueuedWork = {
    queue() {
      done = Math.max(now, done) + seconds;
      log.push("run");
    },
    finish() {
      wait();
      return Promise.resolve();
    },
    ...(timestamps
      ? {
        timer() {
          let began = 0;
          return {
            begin() {
              began = Math.max(now, done);
              log.push("begin");
            },
            end() {
              const time = Math.max(now, done) - began;
              wait();
              return Promise.resolve(time);
            },
          };
        },
      }
      : {}),
  };
  restore = () => performance.now = clock;
  return { work, waits: () => waits, log };
}

let restore = () => {};

Deno.test("timeRun() finds the seconds of a run that a wait would hide", async () => {
  try {
    for (const seconds of [2e-5, 1e-3, 0.2]) {
      const timed = fakeDevice(seconds, true), found = await timeRun(timed.work);
      assert(Math.abs(found / seconds - 1) < 1e-6, `${found} instead of ${seconds}`);
      assert(timed.waits() <= 5);
    }
    const byClock = fakeDevice(1e-3, false), found = await timeRun(byClock.work);
    assert(Math.abs(found / 1e-3 - 1) < 0.01, `${found} instead of 1e-3`);
  } finally {
    restore();
  }
});

Deno.test("timeTurn() begins its timestamps right behind the work that brings the clocks up", async () => {
  try {
    const { work, waits, log } = fakeDevice(1e-3, true);
    const { device, clock, runs } = await timeTurn(work, 1e-3, 0.1);
    const warm = warmRuns(1e-3);
    assertEquals(log.slice(0, warm + 1), [...Array(warm).fill("run"), "begin"]);
    assert(Math.abs(device! / 1e-3 - 1) < 1e-6 && Math.abs(clock / 1e-3 - 1) < 0.01);
    assertEquals([runs, waits()], [100, 2]);
  } finally {
    restore();
  }
});

Deno.test("timeTurn() runs long work once, and waits for warm work where only the clock tells", async () => {
  try {
    const long = fakeDevice(2, true);
    assertEquals(await timeTurn(long.work, 2, 0.1), { clock: 2, device: 2, runs: 1 });
    assertEquals(long.log, ["begin", "run", "wait"]);
    const byClock = fakeDevice(1e-2, false), { clock, device } = await timeTurn(byClock.work, 1e-2, 0.1);
    assertEquals(byClock.log.slice(0, 10), [...Array(8).fill("run"), "wait", "run"]);
    assert(device === undefined && Math.abs(clock / 1e-2 - 1) < 0.01);
  } finally {
    restore();
  }
});
