import { assertEquals } from "@std/assert";
import { withFolder } from "../../tests/_cli.ts";
import { BEGINNING, type LogPlace, readTail } from "./read_tail.ts";

async function readAll(path: string, place: LogPlace) {
  const lines: string[] = [];
  for (let more = true; more;) {
    const read = await readTail(path, place);
    lines.push(...read.lines);
    ({ more, place } = read);
  }
  return { lines, place };
}

Deno.test("readTail() gives whole lines, each once, however the file grows", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log`, parts = ["a\nb", "b\n", "", "é\nlong".padEnd(5000, "x"), "\n", "\n\nend\nno end"];
    let place = BEGINNING, text = "";
    for (const part of parts) {
      const before = text.slice(0, text.lastIndexOf("\n") + 1);
      await Deno.writeTextFile(path, text += part);
      const read = await readTail(path, place), whole = text.slice(0, text.lastIndexOf("\n") + 1);
      assertEquals([read.restarted, read.more], [false, false]);
      assertEquals(read.lines.map((line) => line + "\n").join(""), whole.slice(before.length));
      place = read.place;
      assertEquals(place.offset, new TextEncoder().encode(whole).length);
    }
  }));

Deno.test("readTail() begins anew with a file that is shorter, or has something else where it was read", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log`;
    await Deno.writeTextFile(path, "one\ntwo\n");
    const { place } = await readTail(path, BEGINNING);
    for (
      const [text, restarted] of [["one\n", true], ["one\ntwx\nthree\n", true], ["one\ntwo\nmore\n", false]] as const
    ) {
      await Deno.writeTextFile(path, text);
      const read = await readTail(path, place);
      assertEquals([read.restarted, read.lines], [restarted, restarted ? text.trim().split("\n") : ["more"]]);
    }
  }));

Deno.test("readTail() reads large files in parts, and passes over what is longer than a line may be", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log`, lines = Array.from({ length: 50_000 }, (_, k) => `${k} ${"x".repeat(k % 97)}`);
    await Deno.writeTextFile(path, lines.join("\n") + "\n");
    assertEquals((await readAll(path, BEGINNING)).lines, lines);
    await Deno.writeTextFile(path, "y".repeat(2 ** 21) + "\nlast\n");
    assertEquals((await readAll(path, BEGINNING)).lines.at(-1), "last");
  }));
