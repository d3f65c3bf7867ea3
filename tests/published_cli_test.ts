/** Published weights on the command line, from a server on this machine whose files are random. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CpuBackend, f32, Graph, Random } from "../core/mod.ts";
import { IMAGENET_NORMALISATION, openImageSet } from "../data/mod.ts";
import { compileInference, evaluateSplit } from "../inference/mod.ts";
import { modelByName } from "../models/mod.ts";
import { decodeCheckpoint, type NamedTensor, Variables, variableSpecs } from "../weights/mod.ts";
import { DiskFolder } from "../files/data_folder.ts";
import { testWhole } from "./_all.ts";
import { besideFewSteps, runCli, startCli, unwrapped, withFolder, writeCifar } from "./_cli.ts";
import { writeImages } from "./_image_files.ts";
import { assertSame } from "./_same.ts";
import { code, tensorCode, torchFile } from "./_torch_file.ts";

/** A ResNet-8 with random weights, as `torch.save` writes it, and its name with the hash of its bytes. */
async function randomWeights(classes: number, seed: number) {
  const graph = new Graph(), model = modelByName("resnet8", { classes }), random = new Random(seed, "weights");
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  const tensors = new Map<string, NamedTensor>(), storages: Record<string, Uint8Array> = {};
  const entries = [...variableSpecs(graph)].map(([name, { shape }], key) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const low = /running_var|(bn\d|downsample\.1)\.weight/.test(name) ? 0.5 : -0.2;
    const data = Float32Array.from({ length: size }, () => random.uniform(low, low === 0.5 ? 1.5 : 0.2));
    tensors.set(name, { shape, data });
    storages[`data/${key}`] = new Uint8Array(data.buffer);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
    return [name, tensorCode({ key: String(key), elements: size, shape, strides })];
  });
  const bytes = torchFile(code.dictionary(Object.fromEntries(entries)), storages);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes), 0, 4);
  const name = `resnet8-${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return { name: `torchvision:${name}`, file: `${name}.pth`, bytes, tensors };
}

/** Sends a part of some bytes, then breaks off, or waits for ever. Nothing is waiting once the other side has gone. */
function partOf(bytes: Uint8Array<ArrayBuffer>, then: "end" | "wait"): Response {
  let sent = false;
  const body = new ReadableStream({
    pull(controller) {
      if (!sent) controller.enqueue(bytes.slice(0, 50_000));
      else if (then === "end") controller.close();
      else return new Promise<void>(() => {});
      sent = true;
    },
  });
  return new Response(body, { headers: { "content-length": String(bytes.length) } });
}

const DENO_DIR = JSON.parse(
  new TextDecoder().decode((await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout),
).denoDir;

testWhole(
  "published weights are fetched once, checked, fine-tuned, evaluated and predicted with",
  (t) =>
    withFolder(async (folder) => {
      const seven = await randomWeights(7, 1), ten = await randomWeights(10, 2), asked: string[] = [];
      await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
        const path = new URL(url).pathname;
        asked.push(path);
        const found = [seven, ten].find(({ file }) => path === `/models/${file}`);
        if (found !== undefined) return new Response(found.bytes);
        if (path.startsWith("/other/")) return new Response(ten.bytes.slice(7));
        if (path.startsWith("/broken/")) return partOf(seven.bytes, "end");
        if (path.startsWith("/slow/")) return partOf(seven.bytes, "wait");
        return new Response("", { status: 403 });
      });
      const root = `http://127.0.0.1:${server.addr.port}`;
      const environment = (cache: string, path = "models") => ({
        DENO_DIR,
        XDG_CACHE_HOME: `${folder}/${cache}`,
        RESIDUA_WEIGHTS_URL: `${root}/${path}`,
      });
      const cpu = ["--backend", "cpu", "--threads", "1"];
      const succeed = async (args: readonly string[], cache = "cache", path?: string) => {
        const { code, stdout, stderr } = await runCli([...args, ...cpu], environment(cache, path));
        assertEquals([code, besideFewSteps(stderr)], [0, ""]);
        return unwrapped(stdout);
      };
      const fail = async (args: readonly string[], exit: number, cache: string, path: string, ...parts: string[]) => {
        const { code, stderr } = await runCli(args, environment(cache, path));
        assertEquals(code, exit, stderr);
        assertEquals(stderr.trim().split("\n").length, 1, stderr);
        for (const part of parts) assertStringIncludes(stderr, part);
      };
      const files = async (cache: string) =>
        (await Array.fromAsync(Deno.readDir(`${folder}/${cache}/residua/weights`)).catch(() => [])).map(({ name }) =>
          name
        );
      const read = async (name: string) => decodeCheckpoint(await Deno.readFile(`${folder}/${name}`), name);
      const data = `${folder}/data`, train = ["train", "--data", data, "--batch", "8", "--init", seven.name];
      await Deno.mkdir(data);
      await writeCifar(data, 32);

      await t.step("train takes the network from the name, and trains the new head first", async () => {
        const stdout = await succeed([...train, "--epochs", "2", "--steps", "3", "--out", `${folder}/head`]);
        assertStringIncludes(stdout, `resnet8 on ${data}:`);
        assertStringIncludes(stdout, "fc.weight, fc.bias: 7 classes in the file, 10 here; the head starts anew\n");
        assertStringIncludes(
          stdout,
          `From ${seven.name}: ImageNet's normalisation, learning rate 0.01 (--lr), all layers`,
        );
        await Deno.remove(`${folder}/head`, { recursive: true });
        const args = [...train, "--steps", "7", "--checkpoint-steps", "3", "--out", `${folder}/head`];
        assertStringIncludes(
          await succeed(args),
          "learning rate 0.01 (--lr), the head alone for 1 epoch (--head-epochs)",
        );
        assertEquals(asked, [`/models/${seven.file}`]);
        assertEquals(await files("cache"), [seven.file]);
        assertSame(await Deno.readFile(`${folder}/cache/residua/weights/${seven.file}`), seven.bytes);
        const { lr, "head-epochs": headEpochs, init, model } = JSON.parse(
          await Deno.readTextFile(`${folder}/head/config.json`),
        );
        assertEquals([lr, headEpochs, init, model], [0.01, 1, seven.name, "resnet8"]);
        const first = await read("head/previous.safetensors");
        assertEquals(first.info!.normalisation, IMAGENET_NORMALISATION);
        assertEquals(first.info!.progress!.steps, 6);
      });

      await t.step(
        "the rest stays as it was until the head's epochs are over, and --resume goes on to the bit",
        async () => {
          const same = [...train, "--schedule", "constant", "--head-epochs", "2"];
          await succeed([...same, "--epochs", "3", "--out", `${folder}/whole`]);
          // The end of an epoch, since the end of a run is validated too, and may be the best.
          await succeed([...same, "--steps", "8", "--out", `${folder}/parts`]);
          const { tensors } = await read("parts/last.safetensors");
          for (const [name, { data }] of seven.tensors) {
            const now = tensors.get(name)!.data;
            if (!name.startsWith("fc.")) assertEquals(now, data, name);
            else assert(now.length !== data.length, name);
          }
          await succeed(["train", "--resume", `${folder}/parts`, "--epochs", "3"]);
          for (const name of ["last", "best"]) {
            assertSame(await read(`parts/${name}.safetensors`), await read(`whole/${name}.safetensors`));
          }
          const whole = await read("whole/last.safetensors");
          assert(
            whole.tensors.get("bn1.running_mean")!.data.join() !== seven.tensors.get("bn1.running_mean")!.data.join(),
          );
        },
      );

      await t.step("eval normalises by ImageNet's mean and deviation", async () => {
        const out = `${folder}/logits.json`;
        await succeed(["eval", "--data", data, "--checkpoint", ten.name, "--logits", out, "--batch", "32"]);
        const set = await openImageSet(new DiskFolder(data)), variables = new Variables();
        const program = await compileInference(modelByName("resnet8"), new CpuBackend(), 32, variables);
        variables.write(ten.tensors, ten.file);
        const split = { split: set.validation, shape: set.shape, normalisation: IMAGENET_NORMALISATION };
        const { logits } = await evaluateSplit(program, split, 32, 10);
        assertEquals(JSON.parse(await Deno.readTextFile(out)).logits.flat(), Array.from(logits));
      });

      await t.step(
        "predict does what it does with the file, its network and ImageNet's normalisation given",
        async () => {
          await writeImages(`${folder}/images`, 3);
          const images = ["--json", `${folder}/images`], path = `${folder}/cache/residua/weights/${seven.file}`;
          const { mean, std } = IMAGENET_NORMALISATION;
          const given = ["--model", "resnet8", "--mean", mean.join(), "--std", std.join()];
          // The cache has it, so that the address does not matter.
          const named = await succeed(["predict", "--checkpoint", seven.name, ...images], "cache", "nowhere");
          assertEquals(named, await succeed(["predict", "--checkpoint", path, ...given, ...images]));
          assertEquals(named.trim().split("\n").length, 9);
        },
      );

      await t.step("what goes wrong is one sentence, and leaves nothing", async () => {
        const predict = ["predict", "--checkpoint", seven.name, `${folder}/images`],
          place = `put the file at ${folder}/`;
        await fail(predict, 1, "none", "missing", `${root}/missing/${seven.file} was answered with status 403`, place);
        await fail(predict, 1, "none", "other", `begins with ${seven.name.slice(-8)}, but that of these`);
        await fail(predict, 1, "none", "broken", `${root}/broken/${seven.file} cannot be read`, place);
        await fail(
          [...train, "--model", "resnet14", "--out", `${folder}/no`],
          2,
          "none",
          "models",
          "do not fit resnet14",
        );
        await fail(["eval", "--checkpoint", "imagenet"], 2, "none", "models", "imagenet does not say of which network");
        assertEquals(await files("none"), []);
        const path = `${folder}/cache/residua/weights/${seven.file}`;
        await Deno.writeFile(path, seven.bytes.slice(0, -1));
        await fail(predict, 1, "cache", "models", path, "remove it, so that it is fetched again");
      });

      await t.step("an interrupted download leaves nothing", async () => {
        const before = asked.length;
        await using predicting = startCli(
          ["predict", "--checkpoint", seven.name, `${folder}/images`],
          environment("cut", "slow"),
        );
        while (asked.length === before) await new Promise((resolve) => setTimeout(resolve, 20));
        await new Promise((resolve) => setTimeout(resolve, 200));
        assert((await predicting.end("SIGINT")).code !== 0);
        assertEquals(await files("cut"), []);
      });
    }),
);
