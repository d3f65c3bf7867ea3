import { assertEquals } from "@std/assert";
import { TuningFile } from "./tuning_file.ts";

Deno.test("TuningFile keeps choices for an adapter, and bears a damaged file", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const first = new TuningFile("WebGPU, an adapter (1/2)", folder);
    assertEquals(first.get("a"), undefined);
    first.set("a", "x");
    first.set("b", "y");
    assertEquals(new TuningFile("WebGPU, an adapter (1/2)", folder).get("b"), "y");
    assertEquals(new TuningFile("WebGPU, another", folder).get("b"), undefined);
    const [{ name }] = Deno.readDirSync(folder);
    Deno.writeTextFileSync(`${folder}/${name}`, "{");
    const anew = new TuningFile("WebGPU, an adapter (1/2)", folder);
    assertEquals(anew.get("a"), undefined);
    anew.set("a", "z");
    assertEquals(new TuningFile("WebGPU, an adapter (1/2)", folder).get("a"), "z");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
