import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { liveLines, type LiveState, visibleWidth } from "./layout.ts";

const CURVES = { training: [{ x: 0.1, y: 2 }, { x: 3, y: 1 }], validation: [{ x: 1, y: 1.5 }] };
const STATE: LiveState = {
  title: "resnet110 on data/写真の分類 and a rather long name of a folder",
  work: "CPU, WebAssembly relaxed SIMD, 128 threads",
  memory: 63.05 * 2 ** 20,
  epoch: 299,
  epochs: 300,
  phase: "validating",
  done: 49_000,
  total: 50_000,
  unit: "images",
  step: 1_499_000,
  totalSteps: 1_500_000,
  stepsPerEpoch: 5000,
  figures: { loss: 1.23456, top1: 0.5551, rate: 0.0456789, imagesPerSecond: 812.4, epochLeft: 3670, runLeft: 93_784 },
  best: { epoch: 233, top1: 0.612 },
  loss: CURVES,
  accuracy: { training: [], validation: [] },
  hearsKey: true,
  stopping: false,
};

Deno.test("liveLines() keeps to the terminal at any size, with colours and without", () => {
  for (let columns = 80; columns <= 220; columns += 7) {
    for (const rows of [16, 24, 50, 120]) {
      for (const colour of [false, true]) {
        const lines = liveLines(STATE, columns, rows, colour);
        assert(lines.length < rows, `${lines.length} lines in ${rows} rows`);
        assertEquals(lines[0], "");
        for (const line of lines) assert(visibleWidth(line) < columns, `${columns}: ${line}`);
        assertEquals(lines.some((line) => line.includes("\x1b")), colour);
      }
    }
  }
});

Deno.test("liveLines() shows progress of epoch and run, figures, device and how to stop", () => {
  const text = liveLines(STATE, 100, 24, false).join("\n");
  for (
    const part of [
      "epoch 300/300 [",
      "] validating 49000/50000 images",
      "1:01:10 left\n",
      "] 99 %, step 1499000/1500000",
      "26:03:04 left\n",
      "loss 1.2346  accuracy 55.5 %  lr 0.0457  812 images/s  best 61.20 %, epoch 234\n",
      "\nCPU, WebAssembly relaxed SIMD, 128 threads  memory 63.0 MiB\n",
      "\nresnet110 on data/写真の分類 and a rather long name of a f…  q or Ctrl-C stops the run and saves it",
      "q or Ctrl-C stops the run and saves it",
      "epoch 300",
    ]
  ) assertStringIncludes(text, part);
  const begun = liveLines({ ...STATE, step: 0, figures: undefined, hearsKey: false }, 120, 24, false).join("\n");
  assertStringIncludes(begun, "the first step is compiled and run");
  assertStringIncludes(begun, "  Ctrl-C stops");
  assertStringIncludes(liveLines({ ...STATE, stopping: true }, 80, 24, false).at(-1)!, "stopping");
});

Deno.test("liveLines() fills its bars as far as epoch and run are", () => {
  const [epoch, run] = liveLines({ ...STATE, done: 1, total: 4, step: 3, totalSteps: 6 }, 80, 24, false).filter((
    line,
  ) => line.includes("["));
  const share = (line: string) => {
    const inside = /\[(.*)\]/.exec(line)![1];
    return inside.replaceAll(" ", "").length / inside.length;
  };
  assert(Math.abs(share(epoch) - 0.25) < 0.03 && Math.abs(share(run) - 0.5) < 0.03, `${epoch}\n${run}`);
});
