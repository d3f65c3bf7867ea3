import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Terminal } from "../../tests/_terminal.ts";
import type { EpochEvent, StepEvent } from "../../train/mod.ts";
import { LiveView } from "./view.ts";

const MEMORY = { total: 2 ** 20, step: 0, variables: 0, validation: 0 };

/** A view on a terminal in memory, whose size may change. */
function open(columns = 80, rows = 24) {
  const screen = new Terminal(200), size = { columns, rows };
  const view = new LiveView({ size: () => size, write: (text) => screen.write(text), colour: true }, false);
  const stop = new AbortController();
  view.describe({
    title: "resnet8 on shapes",
    work: "CPU",
    epochs: 2,
    stepsPerEpoch: 4,
    lines: [],
    hearsKey: true,
    signal: stop.signal,
  });
  const print = (text: string) => {
    view.clear();
    screen.write(`${text}\r\n`);
  };
  return { screen, size, view, stop, print };
}

function step(step: number): StepEvent {
  return {
    step,
    epoch: Math.floor((step - 1) / 4),
    totalSteps: 8,
    batch: 10,
    loss: 2 / step,
    top1: 0.5,
    rate: 0.1,
    imagesPerSecond: 20,
  };
}

function epoch(epoch: number, top1: number, isBest = true): EpochEvent {
  const validation = { loss: 1, top1, top5: 1, confusion: [] };
  return { epoch, trainLoss: 1, trainTop1: 0.5, validation, isBest, rate: 0.1, seconds: 1 };
}

/** Trains as far as a number of steps, and prints a line an epoch. */
function run({ view, print }: ReturnType<typeof open>, from: number, to: number): void {
  for (let k = from; k <= to; k++) {
    view.onStep(step(k));
    if (k % 4 !== 0) continue;
    view.onProgress({ activity: "validation", done: 1, total: 3 });
    view.onValidation();
    view.onEpoch(epoch(k / 4 - 1, k / 10));
    print(`epoch ${k / 4}`);
  }
}

Deno.test("LiveView leaves nothing but what was printed, whatever the terminal's size was meanwhile", () => {
  const all = open(), { screen, size, view } = all;
  {
    using _ = view;
    view.onStart({ steps: 0, totalSteps: 8, parts: 1, memory: MEMORY });
    assertEquals(screen.lines.length, 15);
    run(all, 1, 2);
    size.columns = 120;
    size.rows = 50;
    run(all, 3, 5);
    size.columns = 40;
    run(all, 6, 8);
    size.columns = 100;
    view.onStep(step(8));
    view.onValidation();
    assert(screen.lines.length > 15);
  }
  assertEquals(screen.lines, ["epoch 1", "epoch 2"]);
});

Deno.test("LiveView has an empty line for what others print, whose text stays whole", () => {
  const all = open(), { screen, view } = all;
  using _ = view;
  view.onStart({ steps: 0, totalSteps: 8, parts: 1, memory: MEMORY });
  screen.write("a warning\r\n");
  view.onValidation();
  assertEquals(screen.lines[0], "a warning");
  view.clear();
  assertEquals(screen.lines, ["a warning"]);
});

Deno.test("LiveView is soon back where something else wipes it away", async () => {
  const { screen, view } = open();
  using _ = view;
  view.onStart({ steps: 0, totalSteps: 8, parts: 1, memory: MEMORY });
  const drawn = screen.lines;
  // As Deno does once it has loaded modules.
  screen.write("\r\x1b[K\x1b[J");
  assertEquals(screen.lines, []);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assertEquals(screen.lines, drawn);
});

Deno.test("LiveView shows phases, figures and the time that is left of epoch and run", () => {
  const all = open(), { screen, view, stop } = all;
  using _ = view;
  const shown = () => screen.lines.join("\n");
  view.onStart({ steps: 0, totalSteps: 8, parts: 1, memory: MEMORY });
  assertStringIncludes(shown(), "starting 0/4 steps");
  run(all, 1, 1);
  view.onValidation();
  assertStringIncludes(shown(), "saving 1/4 steps");
  // A batch of 10 takes half a second: three steps are left of the epoch, seven of the run.
  assertStringIncludes(shown(), "0:02 left");
  assertStringIncludes(shown(), "12 %, step 1/8");
  assertStringIncludes(shown(), "0:04 left");
  assertStringIncludes(shown(), "loss 2.0000  accuracy 50.0 %  lr 0.1  20 images/s");
  run(all, 2, 4);
  view.onProgress({ activity: "validation", done: 1, total: 3 });
  assertStringIncludes(shown(), "validating 1/3 images");
  run(all, 5, 6);
  stop.abort();
  view.onValidation();
  assertStringIncludes(shown(), "epoch 2/2");
  assertStringIncludes(shown(), "best 40.00 %, epoch 1");
  view.onEpoch(epoch(1, 0.5, false));
  assertStringIncludes(shown(), "best 40.00 %, epoch 1");
  // Slightly worse, and kept all the same.
  view.onEpoch(epoch(1, 0.398, true));
  assertStringIncludes(shown(), "best 39.80 %, epoch 2");
  assertStringIncludes(shown(), "stopping");
});

Deno.test("LiveView is a line where the terminal is narrow or low, and counts images before a run begins", () => {
  for (const [columns, rows] of [[79, 24], [200, 15], [40, 8]]) {
    const all = open(columns, rows), { screen, view } = all;
    using _ = view;
    view.onProgress({ activity: "statistics", done: 5, total: 10 });
    assertStringIncludes(screen.lines.join("\n"), "5/10 images");
    view.onStart({ steps: 0, totalSteps: 8, parts: 1, memory: MEMORY });
    run(all, 1, 2);
    view.onValidation();
    assertEquals(screen.lines.length, 1);
    assertStringIncludes(screen.lines[0], "epoch 1");
    assertStringIncludes(screen.lines[0], "loss 1.5000");
    view.clear();
    assertEquals(screen.lines, []);
  }
});

Deno.test("LiveView draws the epochs that a run had before it goes on, and follows a new size by itself", async () => {
  const screen = new Terminal(200), size = { columns: 100, rows: 30 };
  using view = new LiveView({ size: () => size, write: (text) => screen.write(text), colour: false }, false);
  const line = { kind: "epoch", epoch: 0, trainLoss: 3, trainTop1: 0.25, valLoss: 5, valTop1: 0.75, lr: 1, seconds: 1 };
  view.describe({
    title: "resnet8 on shapes",
    work: "CPU",
    epochs: 3,
    stepsPerEpoch: 4,
    lines: [line as { kind: "epoch" } & typeof line],
    hearsKey: false,
    signal: new AbortController().signal,
  });
  view.onStart({ steps: 4, totalSteps: 12, parts: 1, memory: MEMORY });
  const text = screen.lines.join("\n");
  for (const part of ["5.000 │", "3.000 │", " 75 % │", " 25 % │", "epoch 2/3", "33 %, step 4/12"]) {
    assertStringIncludes(text, part);
  }
  assertEquals(screen.lines.length, 18);
  size.rows = 16;
  await new Promise((resolve) => setTimeout(resolve, 600));
  assertEquals(screen.lines.length, 12);
});

Deno.test("LiveView names the best of a run that goes on, as the run keeps it, until another is kept", () => {
  const screen = new Terminal(200), size = { columns: 100, rows: 30 };
  using view = new LiveView({ size: () => size, write: (text) => screen.write(text), colour: false }, false);
  const lines = [0.7, 0.9, 0.898, 0.6].map((valTop1, epoch) => (
    { kind: "epoch" as const, epoch, trainLoss: 3, trainTop1: 0.25, valLoss: 5, valTop1, lr: 1, seconds: 1 }
  ));
  const describe = (best?: { readonly epoch: number; readonly top1: number }) =>
    view.describe({
      title: "resnet8 on shapes",
      work: "CPU",
      epochs: 6,
      stepsPerEpoch: 4,
      lines,
      best,
      hearsKey: false,
      signal: new AbortController().signal,
    });
  const shown = () => screen.lines.join("\n");
  // Its lines do not tell which was kept.
  describe();
  view.onStart({ steps: 16, totalSteps: 24, parts: 1, memory: MEMORY });
  view.onStep({ ...step(17), totalSteps: 24 });
  assert(shown().includes("lr 0.1") && !shown().includes("best"), shown());
  describe({ epoch: 2, top1: 0.898 });
  view.onStep({ ...step(18), totalSteps: 24 });
  assertStringIncludes(shown(), "best 89.80 %, epoch 3");
  view.onEpoch(epoch(4, 0.5, false));
  assertStringIncludes(shown(), "best 89.80 %, epoch 3");
  view.onEpoch(epoch(5, 0.897, true));
  assertStringIncludes(shown(), "best 89.70 %, epoch 6");
});

Deno.test("LiveView draws four times a second, and no more than twenty times where lines are printed between", () => {
  const writes: string[] = [], size = { columns: 100, rows: 30 };
  using view = new LiveView({ size: () => size, write: (text) => writes.push(text), colour: false });
  view.describe({
    title: "resnet8 on shapes",
    work: "CPU",
    epochs: 100,
    stepsPerEpoch: 4,
    lines: [],
    hearsKey: false,
    signal: new AbortController().signal,
  });
  view.onStart({ steps: 0, totalSteps: 400, parts: 1, memory: MEMORY });
  const during = (milliseconds: number, work: (k: number) => void) => {
    const began = performance.now(), before = writes.filter((text) => text.includes("loss")).length;
    for (let k = 1; performance.now() - began < milliseconds; k++) work(k);
    return writes.filter((text) => text.includes("loss")).length - before;
  };
  const steps = during(1100, (k) => view.onStep(step(1 + k % 4)));
  assert(steps >= 2 && steps <= 5, `${steps} drawings`);
  const epochs = during(600, (k) => {
    view.onStep(step(1 + k % 4));
    view.onValidation();
    view.onEpoch(epoch(0, 0.5));
    view.clear();
  });
  assert(epochs >= 2 && epochs <= 13, `${epochs} drawings`);
});
