/** How often an addon's questions are passed on, on a clock of the test's own. */

import { assert, assertEquals } from "@std/assert";
import { calmImmediate } from "../cli/gpu/calm_polling.ts";

/** A clock of which a turn takes 0.01 ms, and a loop of callbacks. */
function fakeClock() {
  const due: { at: number; callback: () => void }[] = [];
  let time = 0;
  return {
    now: () => time,
    setImmediate: (callback: () => void) => due.push({ at: 0, callback }),
    setTimeout: (callback: () => void, milliseconds: number) => due.push({ at: time + milliseconds, callback }),
    /** Runs callbacks until a moment, or until there are none. */
    runUntil(end: number) {
      while (time < end && due.length > 0) {
        time += 0.01;
        const next = due.findIndex(({ at }) => at <= time);
        if (next >= 0) due.splice(next, 1)[0].callback();
      }
    },
  };
}

/** A function as an addon makes them: native, without a name. */
function native(call: () => void): () => void {
  return Object.defineProperty(call.bind(undefined), "name", { value: "" });
}

Deno.test("calmImmediate() asks ever less often while a wait lasts, and at once where another begins", () => {
  const clock = fakeClock(), later = calmImmediate(clock), asked: number[] = [];
  let done = Infinity;
  const ask = () => {
    asked.push(clock.now());
    if (clock.now() < done) later(native(ask));
  };
  done = 100;
  later(native(ask));
  clock.runUntil(1000);
  // Without it they would be 10,000.
  assert(asked.length > 100 && asked.length < 200, `${asked.length} questions`);
  assert(asked[0] < 0.05);
  for (let k = 1; k < asked.length; k++) {
    const wait = asked[k] - asked[k - 1];
    assert(wait < Math.max(0.05, asked[k - 1] / 8 + 0.03) && wait < 1.05, `question ${k} came after ${wait} ms`);
  }
  const again = clock.now();
  done = again;
  later(native(ask));
  clock.runUntil(again + 10);
  assert(asked.at(-1)! - again < 0.05);
});

Deno.test("calmImmediate() leaves other callbacks as they are, arguments and all", () => {
  const given: unknown[][] = [];
  const later = calmImmediate({
    now: () => 0,
    setImmediate: (...args: unknown[]) => given.push(args),
    setTimeout: () => assert(false),
  }) as (...args: unknown[]) => unknown;
  const callback = () => {}, bound = callback.bind(undefined);
  later(callback, 1, 2);
  later(bound);
  assertEquals(given, [[callback, 1, 2], [bound]]);
});

Deno.test("calmImmediate() goes on after a callback that throws", () => {
  const clock = fakeClock(), later = calmImmediate(clock);
  let calls = 0;
  later(native(() => {
    calls++;
    throw new Error("it went wrong");
  }));
  let message = "";
  try {
    clock.runUntil(10);
  } catch (error) {
    ({ message } = error as Error);
  }
  later(native(() => void calls++));
  clock.runUntil(20);
  assertEquals([calls, message], [2, "it went wrong"]);
});
