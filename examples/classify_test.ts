/** The example runs, and says something of each picture. */

import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";

Deno.test("classify.ts ranks classes for each picture when it is run", async () => {
  const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
  const main = fileURLToPath(new URL("classify.ts", import.meta.url));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--config", config, main] })
    .output();
  assertEquals(code, 0);
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(lines.map((line) => line.split(":")[0]), ["a circle", "a ring", "a square", "a frame"]);
  for (const line of lines) assertMatch(line, /: \w+ \d+\.\d %, \w+ \d+\.\d %$/);
});
