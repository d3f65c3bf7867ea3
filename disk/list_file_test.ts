import { assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../core/mod.ts";
import { withFolder } from "../tests/_cli.ts";
import { pathsIn, readListFile } from "./list_file.ts";

/** Reads a list of this text: path, label and line of each image. */
function read(text: string, columns?: string): Promise<[path: string, label: string, line?: number][]> {
  return withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/list.csv`, text);
    const { images } = await readListFile(`${folder}/list.csv`, columns);
    return images.map(({ path, label, line }) => [path, label, line]);
  });
}

const refused = (text: string, message: string, columns?: string, kind: typeof DataError = DataError) =>
  assertRejects(() => read(text, columns), kind, message);

Deno.test("readListFile() reads what Python's csv module reads, whatever the separator, quotes and encoding", async () => {
  const folder = new URL("../tests/golden/lists/", import.meta.url);
  const expected: Record<string, string[][]> = JSON.parse(
    await Deno.readTextFile(new URL("expected.json", folder)),
  );
  for (const [name, rows] of Object.entries(expected)) {
    const { images } = await readListFile(decodeURIComponent(new URL(name, folder).pathname));
    assertEquals(images.map(({ path, label }) => [path, label]), rows, name);
  }
  assertEquals(Object.keys(expected).length, 6);
});

Deno.test("readListFile() finds columns by their usual names, and takes the other of two", async () => {
  assertEquals(await read("id,Split,Image_ID,Species\n7,train,x1,oak\n8,train,x2,elm\n"), [
    ["x1", "oak", 2],
    ["x2", "elm", 3],
  ]);
  assertEquals(await read("Category;Bild\noak;a.png\n"), [["a.png", "oak", 2]]);
  assertEquals(await read("id,Baum\n1,oak\n"), [["1", "oak", 2]]);
  assertEquals(await read("Bild,Baum\na.png,oak\n"), [["a.png", "oak", 2]]);
  assertEquals(await read("oak,a.png\nelm,b.png\n"), [["a.png", "oak", 1], ["b.png", "elm", 2]]);
  assertEquals(await read("Bild,Baum,Ort\na.png,oak,x\n", "bild,BAUM"), [["a.png", "oak", 2]]);
  assertEquals(await read("a.png,oak,x\n", "1,3"), [["a.png", "x", 1]]);
});

Deno.test("readListFile() reads paths and labels with spaces between, and takes folders for the classes of paths alone", async () => {
  assertEquals(await read("n01/x 1.JPEG  65\r\n\r\nn02/x.JPEG\t65\r\n"), [["n01/x 1.JPEG", "65", 1], [
    "n02/x.JPEG",
    "65",
    3,
  ]]);
  assertEquals(await read('path label\n"my cat.jpg" 3\n'), [["my cat.jpg", "3", 2]]);
  assertEquals(await read("apple_pie/1005649\nwaffles/12\n"), [["apple_pie/1005649", "apple_pie", 1], [
    "waffles/12",
    "waffles",
    2,
  ]]);
  assertEquals(await read("my photos/red fox/1.jpg\n"), [["my photos/red fox/1.jpg", "red fox", 1]]);
});

Deno.test("readListFile() writes whole numbers without a fraction and paths without backslashes and dots", async () => {
  assertEquals(await read("file,label\n.\\a\\1.png,3.0\n./b//2.png,12\n"), [["a/1.png", "3", 2], ["b/2.png", "12", 3]]);
  assertEquals(await read("file,label\na.png,3.0\nb.png,x\n"), [["a.png", "3.0", 2], ["b.png", "x", 3]]);
  assertEquals(await read(""), []);
});

Deno.test("readListFile() takes the column that is marked for the class, and refuses an image of none or of several", async () => {
  const table = (third: string) =>
    `image_id,healthy, rust ,scab\nTrain_0,0,0,1\nb\\Train_1,1.0,0.0,\nTrain_2,${third}\n`;
  assertEquals(await read(table("0,1,0")), [["Train_0", "scab", 2], ["b/Train_1", "healthy", 3], [
    "Train_2",
    "rust",
    4,
  ]]);
  assertEquals(await read("Bild,m,n\na.png,0,1\n"), [["a.png", "n", 2]]);
  await refused(
    table("0,1,1"),
    "line 4: expected one class an image, a 1 in one of the columns healthy, rust, scab, but several",
  );
  await refused(table("0,0,0"), "but none has one");
  // A column of labels counts more than marks beside it, and numbers are no marks.
  assertEquals(await read("image,label,fold\na.png,1,0\n"), [["a.png", "1", 2]]);
  await refused("image,m,n\na.png,2,1\n", "none is called label", undefined, UsageError);
});

Deno.test("readListFile() says which line is wrong, and which columns there are", async () => {
  await refused("path,label\na.png,1\nb.png\nc.png,1,2\n", "but 2 of 4 have another number (lines 3, 4)");
  await refused('path,label\na.png,"x\nb.png,y\n', "a quote is opened and not closed");
  await refused('path,label\na.png,1\nb"c.png,y\n', "line 3: a quote stands where none may be");
  await refused(
    "a,b,c\n1,2,3\n",
    "its columns are 3 without names, the first row being a, b, c",
    undefined,
    UsageError,
  );
  await refused("path,class,species\na.png,1,2\n", "class and species may both be the labels", undefined, UsageError);
  await refused("path,x,z\na.png,1,2\n", "none is called label", undefined, UsageError);
  await refused("path,x,z\na.png,1,2\n", "has no y; its columns are path, x, z", "path,y", UsageError);
  await refused("a.png,1,2\n", "has no 4; its columns are a.png, 1, 2, or 1 to 3", "1,4", UsageError);
  await refused("a.png,1,2\n", "expected two names or numbers", "1", UsageError);
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/list.csv`, Uint8Array.of(0xe4, 44, 0xfc));
    await assertRejects(() => readListFile(`${folder}/list.csv`), DataError, "list.csv: expected a list as text but");
    await assertRejects(() => readListFile(`${folder}/none.csv`), DataError, "none.csv: the list does not exist");
  });
});

Deno.test("pathsIn() makes paths relative to the folder of the images", () => {
  assertEquals(pathsIn("/data/photos", "/data/photos")("a/1.png"), "a/1.png");
  assertEquals(pathsIn("/data/photos", "/data/lists")("a/1.png"), "../lists/a/1.png");
  assertEquals(pathsIn("/data/photos", "/data/photos")("/data/photos/b/1.png"), "b/1.png");
  assertEquals(pathsIn("/data/photos", "/data/photos")("/other/1.png"), "../../other/1.png");
});
