import { assertAlmostEquals, assertEquals } from "@std/assert";
import { chromeTrace } from "./chrome_trace.ts";
import { median } from "../util/median.ts";
import { rooflineSeconds } from "./profile.ts";
import { f32 } from "../graph/shape.ts";
import { type Profile, type ProfiledKernel, profileRows } from "./step_profiler.ts";

const PEAKS = { flops: 100, bytes: 10 };

function kernel(start: number, seconds: number, more: Partial<ProfiledKernel> = {}): ProfiledKernel {
  return {
    op: "add",
    variant: "plain",
    kernel: 0,
    node: 0,
    kernels: 1,
    application: "0 0",
    cost: { flops: 50, bytes: 20 },
    inputs: [f32([2]), f32([2])],
    outputs: [f32([2])],
    start,
    seconds,
    ...more,
  };
}

function profile(...steps: ProfiledKernel[][]): Profile {
  const host = [{ name: "compute", start: 1, seconds: 8 }];
  return {
    device: "a test",
    peaks: PEAKS,
    steps: steps.map((kernels, index) => ({ name: `step ${index}`, start: 10 * index, seconds: 9, kernels, host })),
  };
}

Deno.test("median() is the middle, or the mean of the two there", () => {
  const values = [5, 1, 9];
  assertEquals([median(values), median([4, 1, 2, 9]), median([7])], [5, 3, 7]);
  assertEquals(values, [5, 1, 9]);
  assertEquals(median([]), NaN);
});

Deno.test("rooflineSeconds() is bound by operations where they take longer, else by bytes", () => {
  assertEquals(rooflineSeconds({ flops: 500, bytes: 20 }, PEAKS), 5);
  assertEquals(rooflineSeconds({ flops: 50, bytes: 20 }, PEAKS), 2);
});

Deno.test("profileRows() takes medians over steps, joins equal nodes, and counts the work of a node once", () => {
  const step = (factor: number) => [
    // Two kernels of one node, then an equal node of one kernel.
    kernel(1, 1 * factor),
    kernel(2, 2 * factor, { kernel: 1 }),
    kernel(4, 4 * factor, { application: "0 1" }),
    kernel(8, 100 * factor, { op: "relu", application: "0 2", inputs: [f32([3])], cost: { flops: 0, bytes: 40 } }),
  ];
  const [first, second, ...rest] = profileRows(profile(step(1), step(7), step(2)));
  assertEquals(rest, []);
  assertEquals([first.op, first.calls, first.seconds, first.bytes, first.boundSeconds], ["relu", 1, 200, 40, 4]);
  assertEquals([second.op, second.calls, second.seconds], ["add", 2, 14]);
  assertEquals([second.flops, second.bytes, second.boundSeconds], [100, 40, 4]);
});

Deno.test("profileRows() leaves out steps with another number of dispatches than the last, and counts merged dispatches", () => {
  const shared = (start: number, seconds: number) =>
    kernel(start, seconds, { op: "add + relu", variant: "4 kernels", kernels: 4, application: `0 shared ${start}` });
  const rows = profileRows(profile([kernel(0, 50), shared(1, 50), shared(2, 50)], [shared(1, 2), shared(2, 3)]));
  assertEquals(rows.map(({ op, calls, seconds, inputs }) => [op, calls, seconds, inputs]), [["add + relu", 2, 5, []]]);
  assertEquals(profileRows(profile()), []);
});

Deno.test("chromeTrace() puts overlapping dispatches in lanes, and events in the order of time, the outer one first", () => {
  const { traceEvents, otherData } = chromeTrace(profile([
    kernel(1, 2),
    kernel(2, 2, { application: "0 1" }),
    kernel(3, 1, { application: "0 2", kernel: 1 }),
  ]));
  const events = traceEvents.filter(({ ph }) => ph === "X");
  assertEquals(events.map(({ name, tid, ts, dur }) => [name, tid, ts, dur]), [
    ["step 0", 1, 0, 9e6],
    ["compute", 1, 1e6, 8e6],
    ["add", 2, 1e6, 2e6],
    ["add", 3, 2e6, 2e6],
    ["add", 2, 3e6, 1e6],
  ]);
  assertEquals(events[2].args, {
    variant: "plain",
    inputs: ["f32 [2]", "f32 [2]"],
    outputs: ["f32 [2]"],
    kernel: "1 of 1",
    flops: 50,
    bytes: 20,
    ofRoofline: 1,
  });
  const names = traceEvents.filter(({ name }) => name === "thread_name").map(({ tid, args }) => [tid, args.name]);
  assertEquals(names, [[1, "host"], [2, "a test"], [3, "a test, lane 2"]]);
  assertAlmostEquals(otherData.peakGflops as number, 1e-7);
});
