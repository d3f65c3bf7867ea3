/** Files that are not what their names say, on the command line: each is refused by name, and nothing waits for ever. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { deflateSync } from "node:zlib";
import sharp from "../images/sharp.ts";
import { modelByName } from "../models/mod.ts";
import { encodeCheckpoint } from "../weights/mod.ts";
import { startCli, unwrapped, withFolder } from "./_cli.ts";
import { randomTensors } from "./_random_model.ts";
import { checksum } from "./_torch_file.ts";

/** A command that is killed where it does not end by itself. */
async function ends(args: readonly string[]) {
  await using command = startCli(args);
  const timer = setTimeout(() => Deno.kill(command.pid, "SIGKILL"), 120_000), outcome = await command.end();
  clearTimeout(timer);
  return { ...outcome, stderr: unwrapped(outcome.stderr) };
}

/** A black PNG of one bit a pixel, whose rows take next to nothing. */
function blackPng(side: number): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, content: Uint8Array) => {
    const bytes = new Uint8Array(12 + content.length), view = new DataView(bytes.buffer);
    view.setUint32(0, content.length);
    bytes.set(new TextEncoder().encode(type), 4);
    bytes.set(content, 8);
    view.setUint32(8 + content.length, checksum(bytes.subarray(4, 8 + content.length)));
    return [...bytes];
  };
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, side);
  view.setUint32(4, side);
  header[8] = 1;
  const rows = new Uint8Array(deflateSync(new Uint8Array(side * (1 + Math.ceil(side / 8)))));
  const kind = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];
  return Uint8Array.from([
    ...kind,
    ...chunk("IHDR", header),
    ...chunk("IDAT", rows),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

Deno.test({
  name: "predict and train go on past pipes, endless files and images of too many pixels, and name them",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const tensors = randomTensors(modelByName("resnet8"), 8), normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };
      const info = { model: { name: "resnet8", classes: 10 }, classes: [..."abcdefghij"], normalisation };
      await Deno.writeFile(`${folder}/best.safetensors`, encodeCheckpoint(tensors, info));
      for (const name of ["a", "b"]) {
        await Deno.mkdir(`${folder}/set/${name}`, { recursive: true });
        for (let k = 0; k < 4; k++) {
          await sharp({ create: { width: 32, height: 32, channels: 3, background: name === "a" ? "#c00" : "#0c0" } })
            .png().toFile(`${folder}/set/${name}/${k}.png`);
        }
      }
      const bad = ["pipe.png", "endless.png", "huge.png"].map((name) => `${folder}/set/a/${name}`);
      await new Deno.Command("mkfifo", { args: [bad[0]] }).output();
      await Deno.symlink("/dev/zero", bad[1]);
      await Deno.writeFile(bad[2], blackPng(15_000));
      const cpu = ["--backend", "cpu", "--no-progress"];
      const predicted = await ends(["predict", "--checkpoint", folder, `${folder}/set`, ...cpu]);
      const trained = await ends(
        ["train", "--data", `${folder}/set`, "--model", "resnet8", "--size", "32", "--batch", "4", "--steps", "4"]
          .concat("--workers", "2", "--out", `${folder}/run`, ...cpu),
      );
      assertEquals([predicted.code, trained.code], [1, 0], trained.stderr);
      assertEquals(predicted.stdout.trim().split("\n").length, 8);
      for (const { stderr } of [predicted, trained]) {
        assertStringIncludes(stderr, `${bad[0]}: expected the image, a regular file, but this is a pipe`);
        assertStringIncludes(stderr, `${bad[1]}: expected the image, a regular file, but this is a device`);
        assertStringIncludes(stderr, `${bad[2]}: expected an image of at most 200 megapixels but it has 15000 x 15000`);
      }
      assertStringIncludes(predicted.stderr, "3 of 11 images could not be used");
    }),
});
