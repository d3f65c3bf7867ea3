/** Weights of others on the command line: PyTorch's files, heads for other classes, frozen parameters. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { elementCount } from "../core/mod.ts";
import { decodeCheckpoint, encodeCheckpoint, encodeSafetensors, type NamedTensor } from "../weights/mod.ts";
import { testWhole } from "./_all.ts";
import { unwrapped, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";
import { assertSame } from "./_same.ts";
import { code, tensorCode, torchFile } from "./_torch_file.ts";

/** The tensors as `torch.save` writes them, in a storage each. */
function toTorch(tensors: ReadonlyMap<string, NamedTensor>): Uint8Array {
  const storages: Record<string, Uint8Array> = {};
  const entries = [...tensors].map(([name, { shape, data }], key) => {
    storages[`data/${key}`] = new Uint8Array(data.buffer);
    const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
    return [name, tensorCode({ key: String(key), elements: data.length, shape, strides })];
  });
  return torchFile(code.dictionary(Object.fromEntries(entries)), storages);
}

/** A rate that float32 takes for 0: weights stay as they begin. */
const NO_RATE = "1e-60";

const GREY = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

async function succeed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runInProcess([...args, "--backend", "cpu", "--threads", "1"]);
  assertEquals(code, 0, stderr);
  return unwrapped(stdout);
}

testWhole("weights of others", async (t) => {
  const folder = await Deno.makeTempDir();
  const data = ["--data", folder], train = ["train", ...data, "--model", "resnet8", "--batch", "8"];
  const read = async (name: string) => decodeCheckpoint(await Deno.readFile(`${folder}/${name}`), name).tensors;
  try {
    await writeCifar(folder, 16);
    await succeed([...train, "--epochs", "1", "--out", `${folder}/first`]);
    const tensors = await read("first/best.safetensors");

    await t.step("eval gives the same logits from a PyTorch file as from safetensors", async () => {
      await Deno.writeFile(`${folder}/first.pth`, toTorch(tensors));
      await Deno.writeFile(`${folder}/first.safetensors`, encodeSafetensors(tensors));
      const logits = [];
      for (const kind of ["pth", "safetensors"]) {
        const out = `${folder}/${kind}.json`, checkpoint = `${folder}/first.${kind}`;
        await succeed(["eval", ...data, "--checkpoint", checkpoint, "--model", "resnet8", "--logits", out]);
        logits.push(await Deno.readTextFile(out));
      }
      assertEquals(logits[0], logits[1]);
    });

    await t.step("train --init makes a new head where the file's is for other classes, and only there", async () => {
      const other = new Map(tensors), init = `${folder}/other.pth`;
      other.set("fc.weight", { shape: [7, 64], data: new Float32Array(7 * 64).fill(3) });
      other.set("fc.bias", { shape: [7], data: new Float32Array(7).fill(3) });
      await Deno.writeFile(init, toTorch(other));
      // At a learning rate of 0 the variables stay as they start.
      const stdout = await succeed([
        ...train,
        "--epochs",
        "1",
        "--lr",
        NO_RATE,
        "--init",
        init,
        "--out",
        `${folder}/tuned`,
      ]);
      assertStringIncludes(stdout, "fc.weight, fc.bias: 7 classes in the file, 10 here; the head starts anew\n");
      await succeed([...train, "--epochs", "1", "--lr", NO_RATE, "--out", `${folder}/fresh`]);
      const [tuned, fresh] = [await read("tuned/best.safetensors"), await read("fresh/best.safetensors")];
      for (const [name, tensor] of tuned) {
        if (name.includes("running")) continue;
        assertSame(tensor, (name.startsWith("fc.") ? fresh : tensors).get(name), name);
      }
      for (
        const [name, tensor, message] of [
          ["fc.weight", { shape: [7, 32], data: new Float32Array(7 * 32) }, "fc.weight to be float32 [10, 64]"],
          [
            "conv1.weight",
            { shape: [16, 1, 3, 3], data: new Float32Array(144) },
            "conv1.weight to be float32 [16, 3, 3, 3]",
          ],
          [
            "fc.bias",
            { shape: [8], data: new Float32Array(8) },
            "fc.weight to be float32 [10, 64] but it is float32 [7, 64]",
          ],
        ] as const
      ) {
        await Deno.writeFile(init, toTorch(new Map(other).set(name, tensor)));
        const { code, stderr } = await runInProcess([...train, "--init", init, "--out", `${folder}/wrong`]);
        assertEquals(code, 1, stderr);
        assertStringIncludes(stderr, message);
      }
    });

    await t.step(
      "train --init keeps a head by the names of its classes, moves its rows, or begins it anew",
      async () => {
        const names = Array.from("jihgfedcba"), info = { model: { name: "resnet8" }, normalisation: GREY };
        await Deno.writeFile(
          `${folder}/named.safetensors`,
          encodeCheckpoint(tensors, { ...info, classes: [..."abcdefghij"] }),
        );
        const start = async (classes: readonly string[], out: string) => {
          await Deno.writeTextFile(`${folder}/batches.meta.txt`, classes.join("\n"));
          const init = ["--init", `${folder}/named.safetensors`, "--out", `${folder}/${out}`];
          const stdout = await succeed([...train, "--epochs", "1", "--lr", NO_RATE, ...init]);
          return { stdout, bias: (await read(`${out}/best.safetensors`)).get("fc.bias")!.data };
        };
        const bias = tensors.get("fc.bias")!.data;
        const same = await start([...names].reverse(), "same");
        assertEquals([same.stdout.includes("fc.weight"), same.bias], [false, bias]);
        const moved = await start(names, "moved");
        assertStringIncludes(
          moved.stdout,
          "fc.weight, fc.bias: the file's classes in another order; its rows are moved",
        );
        assertEquals(moved.bias, bias.toReversed());
        const others = await start(["k", ...names.slice(1)], "others");
        assertStringIncludes(
          others.stdout,
          "fc.bias: the file's classes are others (a, b, c, …); the head starts anew",
        );
        assert(!bias.includes(others.bias[1]));
        await Deno.remove(`${folder}/batches.meta.txt`);
      },
    );

    await t.step("train --freeze holds parameters, says so, and is resumed to the same bytes", async () => {
      const frozen = [...train, "--freeze", "conv1.*,layer1.*", "--init", `${folder}/first.pth`];
      const stdout = await succeed([...frozen, "--epochs", "2", "--out", `${folder}/whole`]);
      assertStringIncludes(stdout.split("\n")[1], "7 of 29 parameters frozen (conv1.*, layer1.*)");
      const config = JSON.parse(await Deno.readTextFile(`${folder}/whole/config.json`));
      assertEquals(config.freeze, "conv1.*,layer1.*");
      const whole = await read("whole/last.safetensors");
      for (const name of ["conv1.weight", "layer1.0.bn2.bias", "fc.bias"]) {
        const moved = whole.get(name)!.data.join() !== tensors.get(name)!.data.join();
        assertEquals([name, moved], [name, name === "fc.bias"]);
        assertEquals(whole.has(`optimizer.momentum.${name}`), moved);
      }
      const same = ["--schedule", "constant", "--freeze", "conv1.*,layer1.*"];
      await succeed([...train, ...same, "--epochs", "2", "--out", `${folder}/two`]);
      await succeed([...train, ...same, "--epochs", "1", "--out", `${folder}/half`]);
      await succeed([...train, ...same, "--epochs", "2", "--resume", `${folder}/half`]);
      const bytes = (run: string) => Deno.readFile(`${folder}/${run}/last.safetensors`);
      assertSame(await bytes("half"), await bytes("two"));
    });

    await t.step("train --freeze suggests what a pattern without a match may have meant", async () => {
      const { code, stderr } = await runInProcess([...train, "--freeze", "layer1", "--out", `${folder}/none`]);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, 'error: No parameter matches "layer1"; did you mean layer1.*?');
      assert(!(await Array.fromAsync(Deno.readDir(folder))).some(({ name }) => name === "none"));
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
