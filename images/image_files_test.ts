import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../core/mod.ts";
import { withFolder } from "../tests/_cli.ts";
import { findImages } from "./image_files.ts";

Deno.test("findImages() follows links but for those that lead back, and says what it leaves out", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/photos/deep`, { recursive: true });
    await Deno.mkdir(`${folder}/elsewhere`);
    for (const path of ["photos/b.png", "photos/deep/a.JPG", "photos/c.heic", "photos/.d.png", "elsewhere/e.jpeg"]) {
      await Deno.writeTextFile(`${folder}/${path}`, "");
    }
    await Deno.symlink(`${folder}/elsewhere`, `${folder}/photos/link`);
    await Deno.symlink(`${folder}/photos`, `${folder}/photos/deep/again`);
    await Deno.symlink("..", `${folder}/photos/up`);
    await Deno.symlink(`${folder}/photos/b.png`, `${folder}/photos/z.png`);
    const notes: string[] = [], found = await findImages(`${folder}/photos/`, (note) => notes.push(note));
    const expected = ["b.png", "deep/a.JPG", "link/e.jpeg", "z.png"];
    assertEquals(found, expected.map((path) => `${folder}/photos/${path}`));
    assertEquals(notes, [
      `${folder}/photos/: 1 file is not read, being no PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF: 1 .heic`,
    ]);
    assertEquals(await findImages(`${folder}/photos/c.heic`), [`${folder}/photos/c.heic`]);
    await Deno.remove(`${folder}/elsewhere/e.jpeg`);
    await Deno.writeTextFile(`${folder}/elsewhere/f.heic`, "");
    await assertRejects(
      () => findImages(`${folder}/elsewhere`),
      DataError,
      "but there are only other files in it (1 .heic)",
    );
    await assertRejects(() => findImages(`${folder}/nothing`), DataError, "nothing");
  }));
