import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DataError, type TunedChoice, TuningTable } from "../../core/mod.ts";
import { installedDrivers, TuningFile } from "./tuning_file.ts";
import { fileURLToPath } from "node:url";

const choice = (variant: string): TunedChoice => ({ variant, kernels: "0" });

function withFolder(run: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    run(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("TuningFile keeps choices for an adapter, and begins a damaged file anew with one warning", () =>
  withFolder((folder) => {
    const warnings: string[] = [], options = { folder, warn: (text: string) => warnings.push(text) };
    const adapter = "an adapter (1/2); limits 1";
    const first = new TuningFile(adapter, options);
    assertEquals(first.get("a"), undefined);
    first.set("a", choice("x"));
    first.set("b", choice("y"));
    assertEquals(new TuningFile(adapter, options).get("b"), choice("y"));
    for (const other of ["another; limits 1", "an adapter (1/2); limits 2"]) {
      assertEquals(new TuningFile(other, options).get("b"), undefined);
    }
    assertEquals(warnings, []);
    for (const damage of ["{", "[]", "null", "{}", '{"tuning":1,"adapter":"a","choices":{"a":"x"}}', '{"tuning":2}']) {
      Deno.writeTextFileSync(first.path, damage);
      warnings.length = 0;
      const anew = new TuningFile(adapter, options);
      assertEquals(anew.get("a"), undefined);
      anew.set("a", choice("z"));
      assertEquals(new TuningFile(adapter, options).get("a"), choice("z"));
      assertEquals(warnings.length, 1, damage);
      assertStringIncludes(warnings[0], "is damaged; its choices are made anew");
    }
    first.clear();
    assertEquals(new TuningFile(adapter, options).table.size, 0);
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("TuningFile keeps what others write meanwhile, and leaves no file half written", () =>
  withFolder((folder) => {
    const [one, two] = [new TuningFile("x", { folder }), new TuningFile("x", { folder })];
    one.set("a", choice("1"));
    two.set("b", choice("2"));
    one.set("c", choice("3"));
    assertEquals(new TuningFile("x", { folder }).table.entries().map(([key]) => key), ["a", "b", "c"]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name.replace(/^.*\.json/, "")).sort(), ["", ".lock"]);
  }));

Deno.test("processes that write choices at once lose none", async () => {
  const folder = await Deno.makeTempDir(), file = new URL("./tuning_file.ts", import.meta.url).href;
  const config = fileURLToPath(new URL("../../deno.offline.json", import.meta.url));
  try {
    const script = `const { TuningFile } = await import(${JSON.stringify(file)});
      const [name, folder] = Deno.args, file = new TuningFile("x", { folder });
      for (let k = 0; k < 30; k++) file.set(name + k, { variant: "v", kernels: "0" });`;
    await Deno.writeTextFile(`${folder}/write.ts`, script);
    const outcomes = await Promise.all(["a", "b", "c"].map((name) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--config", config, `${folder}/write.ts`, name, `${folder}/cache`],
        stderr: "piped",
      }).output()
    ));
    for (const { code, stderr } of outcomes) assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(new TuningFile("x", { folder: `${folder}/cache` }).table.size, 90);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("TuningFile goes on without a file that cannot be written, but refuses to add what is to be kept", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const warnings: string[] = [];
    const file = new TuningFile("x", { folder: `${folder}/folder`, warn: (text) => warnings.push(text) });
    Deno.renameSync(`${folder}/file`, `${folder}/folder`);
    file.set("a", choice("1"));
    file.set("b", choice("2"));
    assertEquals(file.get("a"), choice("1"));
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0], "kernels are timed again the next time");
    assertThrows(() => file.add([["c", choice("3")]]), DataError);
  }));

Deno.test("TuningTable reads what it writes, and refuses anything else", () => {
  const table = new TuningTable("an adapter", [["b", choice("2")], ["a", choice("1")]]);
  const again = TuningTable.parse(JSON.stringify(table), "x.json");
  assertEquals([again.adapter, again.size, again.get("b")], ["an adapter", 2, choice("2")]);
  assertEquals(again.entries().map(([key]) => key), ["a", "b"]);
  assertThrows(() => TuningTable.parse('{"choices":{}}', "x.json"), DataError, "x.json: expected choices of kernels");
  const whole = { ...choice("1"), kernel: "direct@1", configuration: { rows: 4 }, shapeClass: "a class", saved: 1e-3 };
  const text = JSON.stringify(new TuningTable("an adapter", [["a", whole]]));
  assertEquals(TuningTable.parse(text, "x.json").get("a"), whole);
  for (const damage of ['"rows":4→"rows":null', '"direct@1"→7', '"a class"→{}', "0.001→true"]) {
    const [from, to] = damage.split("→"), damaged = text.replace(from, to);
    assertNotEquals(damaged, text);
    assertThrows(() => TuningTable.parse(damaged, "x.json"), DataError, "x.json: expected choices of kernels");
  }
});

Deno.test("installedDrivers() differs after an update of a driver", () =>
  withFolder((folder) => {
    assertEquals(installedDrivers([`${folder}/none`]), "");
    Deno.mkdirSync(`${folder}/icd.d`);
    Deno.writeTextFileSync(`${folder}/icd.d/a.json`, "1");
    const before = installedDrivers([`${folder}/icd.d`]);
    assertEquals(installedDrivers([`${folder}/icd.d`]), before);
    assert(before !== "");
    Deno.writeTextFileSync(`${folder}/icd.d/a.json`, "2");
    assertNotEquals(installedDrivers([`${folder}/icd.d`]), before);
  }));
