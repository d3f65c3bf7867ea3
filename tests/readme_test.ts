/** The program of the README that trains on photos runs, for fewer epochs than there, and goes on when it is started again. */

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { testWhole } from "./_all.ts";
import { CLASSES, writeImages } from "./_image_files.ts";

const root = new URL("..", import.meta.url), config = fileURLToPath(new URL("deno.offline.json", root));
const readme = await Deno.readTextFile(new URL("README.md", root));

testWhole(
  "the README's program trains on a folder of photos, names one, writes an ONNX file, and goes on where it stopped",
  async () => {
    const programs = [...readme.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code]) => code);
    const [program, ...others] = programs.filter((code) => code.includes("new RunFolder("));
    assertEquals(others, []);
    const folder = await Deno.makeTempDir();
    try {
      await writeImages(`${folder}/photos`, 24);
      await Deno.copyFile(`${folder}/photos/green/101.jpg`, `${folder}/photo.jpg`);
      const run = async (epochs: number, check: "--check" | "--no-check") => {
        const shorter = program.replace("epochs: 10", `epochs: ${epochs}`);
        assert(shorter !== program);
        await Deno.writeTextFile(`${folder}/main.ts`, shorter);
        const args = ["run", "-A", "--quiet", check, "--config", config, "main.ts"];
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        return new TextDecoder().decode(stdout).trim();
      };
      const epochs = async () =>
        (await Deno.readTextFile(`${folder}/runs/x/metrics.jsonl`)).match(/"kind":"epoch"/g)!.length;
      assert(Object.keys(CLASSES).includes(await run(2, "--check")));
      assertEquals(await epochs(), 2);
      const onnx = await Deno.readFile(`${folder}/photos.onnx`);
      assert(onnx.length > 1e6, `${onnx.length} bytes`);
      await run(3, "--no-check");
      assertEquals(await epochs(), 3);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
