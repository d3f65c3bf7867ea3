/** The models' sizes, work, names and first weights, and what their options change. */

import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  bottleneckBlock,
  type BottleneckOptions,
  classifierHead,
  normActivation,
  preActivationBlock,
} from "../blocks/mod.ts";
import { CpuBackend, f32, Graph, UsageError } from "../core/mod.ts";
import {
  cifarResNet,
  imageNetResNet,
  mobileNetV2,
  MODEL_NAMES,
  modelByName,
  MODELS,
  sequential,
  type SequentialModel,
  summarizeModel,
  unusedModelOptions,
} from "../models/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { initialize } from "../weights/mod.ts";
import { Trainer } from "../train/mod.ts";
import { writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { losses, smallBatch } from "./_training.ts";

/** Parameters as torchvision counts them, and 10^9 multiply-adds at 224x224. */
const IMAGENET: readonly (readonly [string, number, number])[] = [
  ["resnet18", 11_689_512, 1.81],
  ["resnet34", 21_797_672, 3.66],
  ["resnet50", 25_557_032, 4.09],
  ["resnet101", 44_549_160, 7.80],
  ["resnet152", 60_192_808, 11.51],
  ["mobilenet_v2", 3_504_872, 0.30],
  ["mobilenet_v2_0.5", 1_968_680, 0.10],
];

function traced(model: SequentialModel, training = true): Graph {
  const graph = new Graph({ training });
  model.forward(graph, graph.input("image", f32([2, ...model.inputShape])));
  return graph;
}

Deno.test("summarizeModel() finds torchvision's parameters and multiply-adds", () => {
  for (const [name, parameters, billions] of IMAGENET) {
    const summary = summarizeModel(modelByName(name));
    assertEquals([name, summary.parameters], [name, parameters]);
    assertEquals([name, (summary.multiplyAdds / 1e9).toFixed(2)], [name, billions.toFixed(2)]);
    assertEquals(summary.layers.at(-1)!.output, [1000]);
  }
});

Deno.test("plain networks have the weights of residual ones but for the projections", () => {
  for (
    const [plain, resnet, projections] of [["plain18", "resnet18", 173_824], ["plain20", "resnet20", 2_752]] as const
  ) {
    const [a, b] = [plain, resnet].map((name) => summarizeModel(modelByName(name)).parameters);
    assertEquals(b - a, projections);
    assert(traced(modelByName(plain, { shortcut: "B" })).nodes.every(({ op }) => op.name !== "add"));
  }
});

Deno.test("modelByName() makes networks whose name makes them again", () => {
  for (const name of [...MODEL_NAMES, "mobilenet_v2_1.4", "cifar_resnet50", "cifar_plain152"]) {
    assertEquals(modelByName(name).name, name);
  }
  assertEquals(mobileNetV2({ width: 0.75, stem: "cifar" }).name, "mobilenet_v2_cifar_0.75");
  assertEquals(imageNetResNet({ depth: 34, shortcut: "none" }).name, "plain34");
  assertEquals(cifarResNet({ depth: 50 }).name, "cifar_resnet50");
  assertEquals(modelByName("cifar_resnet50").inputShape, [3, 32, 32]);
  assertEquals(modelByName("resnet50").inputShape, [3, 224, 224]);
});

Deno.test("every row of MODELS has the names that it lists, and its defaults are its networks'", () => {
  for (const { names, pattern, accepts, classes, inputShape } of MODELS) {
    for (const name of names) {
      const parts = pattern.exec(name)?.groups;
      assert(parts !== undefined && accepts?.(parts) !== false, name);
      const model = modelByName(name);
      assertEquals([name, model.classes, model.inputShape], [name, classes, inputShape]);
    }
  }
  // What is called by its function has the defaults of its row.
  assertEquals(mobileNetV2({ stem: "cifar" }).inputShape, modelByName("mobilenet_v2_cifar").inputShape);
  assertEquals(cifarResNet({ depth: 8 }).classes, modelByName("resnet8").classes);
  assertEquals(imageNetResNet({ depth: 18 }).classes, modelByName("resnet18").classes);
});

Deno.test("modelByName() suggests the nearest name and lists what there is", () => {
  for (const [name, near] of [["resnet51", "resnet50"], ["ResNet-18", "resnet18"], ["mobilenetv2", "mobilenet_v2"]]) {
    const error = assertThrows(() => modelByName(name), UsageError);
    assert(error.message.includes(`did you mean ${near}?`), error.message);
    assert(error.message.includes("resnet152, plain18"), error.message);
  }
  assertThrows(() => imageNetResNet({ depth: 20 }), UsageError, "one of 18, 34, 50, 101, 152");
  assertThrows(() => mobileNetV2({ width: -1 }), UsageError, "positive number");
  assertThrows(() => modelByName("mobilenet_v2_cifar_1000"), UsageError, "at most 10, but it is 1000");
  assertThrows(() => traced(mobileNetV2({ dropout: 1 })), UsageError, "less than 1");
});

Deno.test("every model takes any number of classes and input channels", () => {
  for (const name of ["resnet18", "resnet50", "plain20", "mobilenet_v2", "mobilenet_v2_cifar"]) {
    const { layers } = summarizeModel(modelByName(name, { classes: 7, inputShape: [1, 40, 40] }));
    assertEquals([name, layers.at(-1)!.output], [name, [7]]);
  }
});

Deno.test("mobileNetV2() keeps 32x32 images larger with the stem for CIFAR", () => {
  const sizes = (model: SequentialModel) => summarizeModel(model).layers.map(({ output }) => output[1]);
  const small = sizes(modelByName("mobilenet_v2_cifar"));
  assertEquals([0, 1, 3, 6, 10, 13, 16, 18].map((layer) => small[layer]), [32, 32, 32, 16, 8, 8, 4, 4]);
  assertEquals(sizes(modelByName("mobilenet_v2", { inputShape: [3, 32, 32] }))[18], 1);
});

Deno.test("weights start as torchvision's: He's by fan-out, and the classifiers'", () => {
  for (const name of ["resnet18", "resnet50", "mobilenet_v2"]) {
    for (const { name: parameter, spec, initializer } of traced(modelByName(name)).parameters) {
      const norm = spec.shape.length === 1 && !/^(fc|classifier)/.test(parameter);
      if (spec.shape.length === 4) assertEquals(initializer, { kind: "heNormal", fan: "out" }, parameter);
      else if (norm) {
        assertEquals(initializer, { kind: "constant", value: parameter.endsWith("weight") ? 1 : 0 }, parameter);
      }
    }
  }
  const deviation = (model: SequentialModel, wanted: string) => {
    const { initializer, spec } = traced(model).parameters.find(({ name }) => name === wanted)!;
    const values = initialize(initializer!, spec.shape, 1, wanted);
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  assertAlmostEquals(deviation(modelByName("resnet18"), "fc.weight"), 1 / Math.sqrt(3 * 512), 2e-4);
  assertAlmostEquals(deviation(modelByName("mobilenet_v2"), "classifier.1.weight"), 0.01, 1e-4);
  assertEquals(deviation(modelByName("mobilenet_v2"), "classifier.1.bias"), 0);
});

Deno.test("bottleneckBlock() halves the resolution where it is told to", () => {
  const work = (options: Parameters<typeof imageNetResNet>[0]) =>
    summarizeModel(imageNetResNet(options)).multiplyAdds / 1e9;
  // The paper's table 1 counts 3.8, 7.6 and 11.3 with the stride in the first 1x1.
  for (const [depth, billions] of [[50, 3.86], [101, 7.57], [152, 11.28]]) {
    assertAlmostEquals(work({ depth, strideOn: "1x1" }), billions, 0.02);
  }
  for (const strideOn of ["1x1", "3x3"] as const) {
    const { layers } = summarizeModel(imageNetResNet({ depth: 50, strideOn, downsampling: "maxPool" }));
    assertEquals(layers.at(-2)!.output, [2048, 7, 7]);
  }
});

/** A small network of bottleneck blocks, on odd sizes. */
function smallBottlenecks(options: Omit<BottleneckOptions, "name" | "channels">): SequentialModel {
  const layers = [4, 8].map((channels, index) => {
    const name = `layer${index + 1}`;
    return { name, block: bottleneckBlock({ ...options, name, channels, stride: index + 1 }) };
  });
  layers.push({ name: "fc", block: classifierHead("fc", 4) });
  return sequential({ name: "small", classes: 4, inputShape: [3, 9, 9], layers });
}

Deno.test("bottleneckBlock() trains with every shortcut, downsampling and place of the stride", async () => {
  for (const shortcut of ["A", "B", "C", "none"] as const) {
    for (const downsampling of ["stride", "maxPool"] as const) {
      for (const strideOn of ["1x1", "3x3"] as const) {
        const model = smallBottlenecks({ shortcut, downsampling, strideOn, zeroInitLastGamma: true });
        const values = await losses(new CpuBackend(), model, 12, 0.02);
        assert(values[11] < values[0], `${shortcut} ${downsampling} ${strideOn}: ${values}`);
      }
    }
  }
});

Deno.test("preActivationBlock() keeps the identity from the first block of a stage to the last, and trains", async () => {
  const stages = [[4, 1], [4, 1], [8, 2], [8, 1]].map(([channels, stride], index) => {
    const name = `layer.${index}`;
    return { name, block: preActivationBlock({ name, channels, stride }) };
  });
  const layers = [
    ...stages,
    { name: "bn", block: normActivation("bn") },
    { name: "fc", block: classifierHead("fc", 4) },
  ];
  const model = sequential({ name: "small", classes: 4, inputShape: [3, 9, 9], layers });
  const projections = traced(model).parameters.filter(({ name }) => name.includes("downsample")).map(({ name }) =>
    name
  );
  assertEquals(projections, ["layer.0.downsample.0.weight", "layer.2.downsample.0.weight"]);
  const values = await losses(new CpuBackend(), model, 12, 0.02);
  assert(values[11] < values[0], `${values}`);
});

Deno.test("MobileNet-V2 trains with dropout, repeats to the bit, and infers without it", async () => {
  const model = mobileNetV2({ width: 0.25, classes: 4, inputShape: [3, 33, 33], dropout: 0.5 });
  const run = async (seed: number) => {
    const backend = new CpuBackend(), { images, labels } = smallBatch(model, 8);
    const trainer = await Trainer.create({ model, backend, batch: 8, seed });
    for (let k = 0; k < 10; k++) trainer.step({ images, labels }, 0.02);
    const losses = (await trainer.results()).map(({ loss }) => loss);
    const program = await compileInference(model, backend, 8, trainer.variables);
    const logits = [];
    for (let k = 0; k < 2; k++) {
      program.write("image", images);
      program.run();
      logits.push(await program.read("logits"));
    }
    assertEquals(logits[0], logits[1]);
    const names = [...(await trainer.variables.read(false)).keys()];
    assert(!names.some((name) => name.includes("dropout")), "weight files must not hold dropout's counter");
    return losses;
  };
  const first = await run(1);
  assertEquals(await run(1), first);
  assert(Math.min(...first.slice(5)) < first[0], `${first}`);
});

Deno.test("a run with dropout that is resumed ends with the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeCifar(folder, 24);
    const args = ["--data", folder, "--model", "mobilenet_v2_cifar_0.25", "--batch", "8", "--lr", "0.01"];
    const train = ["train", ...args, "--schedule", "constant", "--backend", "cpu"];
    const whole = await runInProcess([...train, "--epochs", "2", "--out", `${folder}/whole`]);
    assertEquals(whole.code, 0, whole.stderr);
    await runInProcess([...train, "--epochs", "1", "--out", `${folder}/half`]);
    await runInProcess([...train, "--epochs", "2", "--resume", `${folder}/half`]);
    const [a, b] = await Promise.all(
      ["whole", "half"].map((run) => Deno.readFile(`${folder}/${run}/last.safetensors`)),
    );
    assertEquals(a, b);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("summary prints the table of a large model without running it", async () => {
  const { code, stdout, stderr } = await runInProcess(["summary", "--model", "resnet50", "--batch", "256"]);
  assertEquals(code, 0, stderr);
  for (const part of ["layer4.2", "2048x7x7", "25,557,032", "4,089,184,256"]) assert(stdout.includes(part), stdout);
  const mobile = await runInProcess(["summary", "--model", "mobilenet_v2", "--size", "160", "--classes", "5"]);
  for (const part of ["features.18", "1280x5x5", "2,230,277"]) assert(mobile.stdout.includes(part), mobile.stdout);
  const wrong = await runInProcess(["summary", "--model", "resnet19"]);
  assertEquals(wrong.code, 2);
  assert(wrong.stderr.includes("did you mean resnet18?"), wrong.stderr);
});

Deno.test("summary --plan shows the fused program of a training step or of an inference", async () => {
  const plan = async (...args: string[]) => {
    const { code, stdout, stderr } = await runInProcess([
      "summary",
      "--model",
      "resnet8",
      "--batch",
      "4",
      "--plan",
      ...args,
    ]);
    assertEquals(code, 0, stderr);
    for (const line of stdout.split("\n")) assert(line.length <= 120, `${line.length} characters: ${line}`);
    return stdout;
  };
  const training = await plan("--backend", "cpu"), inference = await plan("--inference", "--backend", "cpu");
  assertMatch(training, /^batchNormAddRelu +batchNorm, add, relu +4x16x32x32 +\d+ +3 +\d/m);
  assertMatch(training, /^sgdUpdate +layer1\.0\.conv1\.weight +16x16x3x3 +- +1 /m);
  assertMatch(training, /^(\d+) ops, \1 kernel calls on the CPU$/m);
  assertMatch(inference, /^An inference at batch 4:$/m);
  assert(!inference.split("An inference")[1].includes("sgdUpdate"));
  assertMatch(await plan(), /^\d+ ops, \d+ dispatches on WebGPU, /m);
  for (const args of [["--inference"], ["--backend", "cpu"]]) {
    const { code, stderr } = await runInProcess(["summary", ...args]);
    assertEquals(code, 2);
    assert(stderr.includes(`${args[0]}: expected --plan too`), stderr);
  }
});

Deno.test("unusedModelOptions() names what makes no difference to a model, and no more", () => {
  const changes = {
    shortcut: "C",
    downsampling: "maxPool",
    zeroInitLastGamma: true,
    initialization: "fan-in",
    strideOn: "1x1",
    width: 0.5,
    dropout: 0.7,
    padding: "same",
    epsilon: 1e-3,
    lastWidth: 0.5,
  } as const;
  const traceOf = (name: string, options: Parameters<typeof modelByName>[1]) => {
    const graph = traced(modelByName(name, { inputShape: [3, 32, 32], ...options }));
    return JSON.stringify([
      graph.parameters.map(({ name, spec, initializer }) => [name, spec, initializer]),
      graph.nodes.map(({ op, inputs, attributes }) => [op.name, inputs, attributes]),
    ]);
  };
  const kinds = MODELS.map(({ names }) => names[0]).filter((name) => name !== undefined);
  for (const name of [...kinds, "plain50", "resnet8", "plain8"]) {
    const initialization = /^(resnet|plain)(8|20)$/.test(name) ? "fan-out" : "fan-in";
    for (const [option, value] of Object.entries({ ...changes, initialization })) {
      const unused = (unusedModelOptions(name) as string[]).includes(option);
      assertEquals(traceOf(name, { [option]: value }) === traceOf(name, {}), unused, `${name}, ${option}`);
    }
  }
});

Deno.test("mobileNetV2() pads as TensorFlow does where it is told to, and refuses what makes no sense", () => {
  const windows = (model: SequentialModel) =>
    traced(model).nodes.filter(({ op }) => /conv2d/i.test(op.name)).map(({ attributes }) => {
      const { stride, padding } = attributes as { readonly stride: number[]; readonly padding: number[] };
      return `${stride[0]} ${padding}`;
    }).filter((window, k, all) => all.indexOf(window) === k);
  assertEquals(windows(mobileNetV2()), ["2 1,1", "1 1,1", "1 0,0"]);
  assertEquals(windows(mobileNetV2({ padding: "same" })), ["2 0,0,1,1", "1 1,1,1,1", "1 0,0", "1 0,0,0,0"]);
  // From 33 pixels come 17, 9, 5, 3 and 2, so that the padding is the same on both sides.
  assertEquals(windows(mobileNetV2({ padding: "same", inputShape: [3, 33, 33] }))[0], "2 1,1,1,1");
  assertEquals(summarizeModel(mobileNetV2({ width: 0.35, lastWidth: 0.35 })).layers.at(-2)!.output, [448, 7, 7]);
  const wrong = [{ epsilon: 0 }, { lastWidth: NaN }, { padding: "valid" as "same" }];
  for (const options of wrong) {
    assertThrows(() => mobileNetV2(options), UsageError, `Expected the ${Object.keys(options)} of MobileNet-V2 to be`);
  }
});
