import { assertEquals, assertThrows } from "@std/assert";
import { withTicks } from "../../tests/_fast_ticks.ts";
import { UsageError } from "./errors.ts";
import { expectStallTimeout, StallWatch } from "./stall_watch.ts";

Deno.test("StallWatch tells after the seconds in which nothing came, and once", () =>
  withTicks((tick) => {
    const stalls: number[] = [];
    const watch = new StallWatch({ limit: () => 3, onStall: (seconds) => stalls.push(seconds) });
    tick(9);
    watch.begin();
    watch.begin();
    tick(2);
    // One of two comes, so that the other has its time anew.
    watch.end();
    tick(2);
    assertEquals([stalls, watch.longest], [[], 2]);
    tick(5);
    assertEquals(stalls, [3]);
  }));

Deno.test("StallWatch counts no time in which nothing is waited for, and none while there is progress", () =>
  withTicks((tick) => {
    const stalls: number[] = [];
    let progress = 0;
    const watch = new StallWatch({
      limit: () => 2,
      progress: () => progress,
      onStall: (seconds) => stalls.push(seconds),
    });
    for (let k = 0; k < 20; k++) {
      watch.begin();
      tick(1);
      watch.end();
      tick(3);
    }
    watch.begin();
    for (let k = 0; k < 20; k++) {
      progress++;
      tick(2);
    }
    assertEquals(stalls, []);
    tick(1);
    assertEquals(stalls, [2]);
  }));

Deno.test("StallWatch takes a late tick for one, so that a machine that was suspended has not stalled", () =>
  withTicks((tick) => {
    const stalls: number[] = [], { now } = performance;
    const watch = new StallWatch({ limit: () => 10, onStall: (seconds) => stalls.push(seconds) });
    watch.begin();
    performance.now = () => 1e9;
    tick(9);
    performance.now = now;
    assertEquals(stalls, []);
    watch.stop();
    tick(9);
    assertEquals(stalls, []);
  }));

Deno.test("expectStallTimeout() refuses what is no time", () => {
  for (const seconds of [0, -1, NaN]) assertThrows(() => expectStallTimeout(seconds), UsageError, `it is ${seconds}`);
  for (const seconds of [undefined, 0.1, 1e9]) expectStallTimeout(seconds);
});
