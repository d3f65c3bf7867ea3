/** `docs/serving.md`: its commands run, and their output has the form that is shown. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import sharp from "../images/sharp.ts";
import { modelByName } from "../models/mod.ts";
import { encodeCheckpoint } from "../weights/mod.ts";
import { WHOLE } from "./_all.ts";
import { startCli, withFolder } from "./_cli.ts";
import { root, runProgram } from "./_launcher.ts";
import { randomTensors } from "./_random_model.ts";

const docs = await Deno.readTextFile(`${root}docs/serving.md`);

/** The commands of the page, and what is shown of their output, without the breaks that fit it to the page. */
const sessions = [...docs.matchAll(/^ {4}\$ (.*)\n((?: {4}(?!\$).*\n)*)/gm)].map(([, command, output]) => ({
  command,
  lines: output.replace(/,\n {6}/g, ",").trim().split("\n").map((line) => line.trim()),
}));

const hasCurl = await runProgram("curl", ["--version"]).then(({ code }) => code === 0, () => false);

/** A pattern of what the page shows, in which a number of an answer may be any and `…` is whatever is left out. */
function patternOf(shown: string): RegExp {
  const escaped = shown.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(
    `^${
      escaped.replaceAll("…", "[^]*?").replaceAll(/0\\\.\d+/g, "[\\d.e-]+").replaceAll('"index":2', '"index":\\d')
    }\\s*$`,
  );
}

Deno.test({
  name: `the commands of docs/serving.md print what it shows${hasCurl ? "" : " [needs curl]"}`,
  ignore: !hasCurl && !WHOLE,
  fn: () =>
    withFolder(async (folder) => {
      const [start, ...asking] = sessions;
      assertEquals(sessions.map(({ command }) => command.split(" ")[0]), ["deno", "curl", "curl"]);
      const classes = ["bridge", "cat", "coffee", "field", "flower", "wall"];
      const model = { name: "resnet20", classes: classes.length, inputShape: [3, 64, 64] } as const;
      const weights = encodeCheckpoint(randomTensors(modelByName("resnet20", model), 5), {
        model,
        classes,
        normalisation: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
      });
      await Deno.mkdir(`${folder}/runs/photos`, { recursive: true });
      await Deno.writeFile(`${folder}/runs/photos/best.safetensors`, weights);
      const pixels = Uint8Array.from({ length: 3 * 70 * 90 }, (_, k) => (k * 7919) >> 3);
      for (const name of ["cup", "meadow"]) {
        await sharp(pixels, { raw: { width: 70, height: 90, channels: 3 } }).jpeg().toFile(`${folder}/${name}.jpg`);
      }
      await Deno.writeTextFile(`${folder}/notes.txt`, "no image\n");

      const [, , ...args] = start.command.split(" ");
      await using server = startCli([...args, "--port", "0", "--backend", "cpu"], {}, folder);
      const [listening, address] = await server.line(/^Listening at (http:\/\/127\.0\.0\.1:\d+); Ctrl-C stops$/);
      for (const { command, lines } of asking) {
        assert(command.includes("http://127.0.0.1:8000/"), command);
        const { code, stdout, stderr } = await runProgram(
          "sh",
          ["-c", command.replace("http://127.0.0.1:8000", address).replace("curl", "curl -sS")],
          { cwd: folder },
        );
        assertEquals(code, 0, stderr);
        assertMatch(stdout, patternOf(lines.join("").replaceAll("coffee", "…")));
      }
      const { stdout } = await server.end("SIGTERM");
      const said = stdout.slice(0, stdout.indexOf(listening)).trim().split("\n");
      const threads = /\d+ threads?$/;
      assertEquals(
        said.map((line) => line.replace(threads, "")),
        start.lines.slice(0, -1).map((line) => line.replace(threads, "")),
      );
    }),
});
