import { assert, assertEquals, assertRejects } from "@std/assert";
import { ResiduaError } from "../../core/mod.ts";
import { RunFolder } from "../../disk/mod.ts";
import { withFolder } from "../../tests/_cli.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";
import { compareScores, rungsOf } from "./rungs.ts";
import { readSweep } from "./sweep_file.ts";
import { trialState } from "./trial_state.ts";
import { argumentsOf, trialsOf } from "./trials.ts";

Deno.test("trialsOf() gives each combination of the values, the last option changing the fastest", () => {
  const vary = { lr: ["auto", 0.03], nesterov: [true, false], augment: ["none"] };
  const trials = trialsOf({ options: {}, vary }, TRAIN_OPTIONS);
  assertEquals(trials.map(({ name }) => name), ["001", "002", "003", "004"]);
  assertEquals(trials.map(({ values }) => argumentsOf(values).join(" ")), [
    "--lr=auto --nesterov --augment=none",
    "--lr=auto --no-nesterov --augment=none",
    "--lr=0.03 --nesterov --augment=none",
    "--lr=0.03 --no-nesterov --augment=none",
  ]);
});

Deno.test("trialsOf() draws the same by the same seed, evenly in the logarithms where that is asked for", () => {
  const vary = {
    lr: { min: 1e-4, max: 1, scale: "log" },
    batch: { min: 8, max: 64 },
    model: ["resnet8", "resnet20"],
  } as const;
  const draw = (seed: number) => trialsOf({ options: {}, vary, runs: 400, seed }, TRAIN_OPTIONS);
  const trials = draw(1), rates = trials.map(({ values }) => Number(values.lr));
  assertEquals(draw(1), trials);
  assert(JSON.stringify(draw(2)) !== JSON.stringify(trials));
  for (const { values } of trials) {
    assert(Number.isInteger(values.batch) && Number(values.batch) >= 8 && Number(values.batch) <= 64);
  }
  assert(rates.every((rate) => rate >= 1e-4 && rate <= 1));
  // A quarter lies in each decade.
  for (const low of [1e-4, 1e-3, 1e-2, 1e-1]) {
    const share = rates.filter((rate) => rate >= low && rate < 10 * low).length / rates.length;
    assert(share > 0.15 && share < 0.35, `${low}: ${share}`);
  }
  const large = trials.filter(({ values }) => values.model === "resnet20").length;
  assert(large > 120 && large < 280, `${large}`);
});

Deno.test("rungsOf() halves the runs and doubles their epochs, up to whole runs", () => {
  assertEquals(rungsOf(9, Infinity), [{ epochs: Infinity, runs: 9 }]);
  assertEquals(rungsOf(9, 20, { epochs: 2 }), [
    { epochs: 2, runs: 9 },
    { epochs: 4, runs: 4 },
    { epochs: 8, runs: 2 },
    { epochs: 20, runs: 1 },
  ]);
  assertEquals(rungsOf(27, 9, { epochs: 1, keep: 1 / 3 }).map(({ runs }) => runs), [27, 9, 3]);
  assertEquals(rungsOf(4, 2, { epochs: 3 }), [{ epochs: 2, runs: 4 }]);
});

Deno.test("compareScores() puts the better first, and what failed last", () => {
  const scores = [{ loss: Infinity }, { top1: 0.5, loss: 2 }, { top1: 0.9, loss: 3 }, { top1: 0.5, loss: 1 }];
  assertEquals(scores.toSorted(compareScores), [scores[2], scores[3], scores[1], scores[0]]);
});

Deno.test("trialState() is by the epoch that a run keeps, and by the highest where that is not known", () =>
  withFolder(async (location) => {
    await using folder = new RunFolder(location);
    await folder.writeConfig({ epochs: 4 });
    for (const [epoch, valTop1] of [0.5, 0.9, 0.8, 0.4].entries()) {
      folder.log({ kind: "epoch", epoch, trainLoss: 1, trainTop1: 1, valLoss: 4 - epoch, valTop1, lr: 1, seconds: 1 });
    }
    await folder.flush();
    const state = { begun: true, epochs: 4, whole: 4 }, highest = { bestEpoch: 2, top1: 0.9, loss: 3 };
    assertEquals(await trialState(location), { ...state, ...highest });
    const image = { index: 0, label: 0, predicted: 0, probability: 1, labelProbability: 1 };
    const answers = { classes: ["a"], count: 1, stride: 1, images: [image] };
    await folder.saveValidation({ ...answers, epoch: 2 });
    assertEquals(await trialState(location), { ...state, bestEpoch: 3, top1: 0.8, loss: 2 });
    assertEquals(await trialState(location, 3), { ...state, ...highest });
    assertEquals(await trialState(location, 1), { ...state, bestEpoch: 1, top1: 0.5, loss: 4 });
    // Of an epoch that is not logged yet, and damaged.
    await folder.saveValidation({ ...answers, epoch: 4 });
    assertEquals(await trialState(location), { ...state, ...highest });
    await Deno.writeTextFile(`${location}/validation.json`, "{}");
    assertEquals(await trialState(location), { ...state, ...highest });
  }));

Deno.test("readSweep() names what is wrong, and where", () =>
  withFolder(async (folder) => {
    const path = `${folder}/sweep.json`;
    const refused: readonly (readonly [content: object, says: string])[] = [
      [{}, "vary is missing, expected an object"],
      [{ vary: {} }, "vary is empty"],
      [{ vary: { lr: [] } }, "vary.lr is empty"],
      [{ vary: { lr: ["auto", "x"] } }, 'vary.lr[1] is "x", expected a number above 0 or auto;'],
      [{ vary: { lr: { min: 0, max: 0.1 } }, runs: 2 }, "vary.lr.min is 0, expected a number above 0;"],
      [{ vary: { lrr: [0.1] } }, "a sweep cannot set lrr; did you mean lr?"],
      [{ vary: { out: ["x"] } }, "a sweep cannot set out"],
      [{ vary: { "stop-after": [1] } }, "a sweep cannot set stop-after"],
      [{ vary: { lr: [0.1] }, options: { lr: 1 } }, "options and vary both set lr"],
      [{ vary: { lr: { min: 1, max: 0.1 } }, runs: 2 }, "vary.lr.max is 0.1, expected more than vary.lr.min, 1"],
      [{ vary: { lr: { min: 0, max: 0.1, scale: "log" } }, runs: 2 }, "vary.lr.min is 0, expected a number above 0"],
      [
        { vary: { lr: { min: 0.1, max: 1 } } },
        'vary.lr is an interval, from which runs draw; say how many with "runs"',
      ],
      [{ vary: { model: { min: 1, max: 2 } }, runs: 2 }, "expected a list of values"],
      [{ vary: { lr: [1] }, options: { epochs: 0 } }, "options.epochs is 0, expected a whole number of at least 1"],
      [
        { vary: { lr: [1] }, halving: { epochs: 1, keep: 1 } },
        "halving.keep is 1, expected a number above 0 and below 1",
      ],
    ];
    for (const [content, says] of refused) {
      await Deno.writeTextFile(path, JSON.stringify(content));
      const error = await assertRejects(() => readSweep(path, TRAIN_OPTIONS), ResiduaError);
      assert(error.message.startsWith(`${path}: `) && error.message.includes(says), error.message);
    }
  }));
