import { assertEquals } from "@std/assert";
import { endsInSeparator, splitPath, withoutSeparators } from "./paths.ts";

Deno.test("splitPath() takes apart what is written on Linux and on Windows", () => {
  const split = (windows: boolean, ...paths: string[]) =>
    paths.map((path) => Object.values(splitPath(path, windows)).join(" | "));
  assertEquals(split(false, "x.png", "a/x.png", "/x.png", "a b/é/x.png", "a\\x.png"), [
    ". | x.png",
    "a | x.png",
    "/ | x.png",
    "a b/é | x.png",
    ". | a\\x.png",
  ]);
  assertEquals(
    split(true, "x.png", "a/x.png", "a\\x.png", "C:\\x.png", "C:/a b\\x.png", "\\\\host\\share\\a\\x.png", "\\x"),
    [
      ". | x.png",
      "a | x.png",
      "a | x.png",
      "C:\\ | x.png",
      "C:/a b | x.png",
      "\\\\host\\share\\a | x.png",
      "\\ | x",
    ],
  );
});

Deno.test("withoutSeparators() keeps the root of a disk", () => {
  const paths = ["a/", "a//", "a", "/", "a\\", "C:\\", "C:/", "C:\\a\\", "\\"];
  assertEquals(paths.map((path) => withoutSeparators(path, false)), [
    ...["a", "a", "a", "/", "a\\", "C:\\", "C:", "C:\\a\\", "\\"],
  ]);
  assertEquals(paths.map((path) => withoutSeparators(path, true)), [
    ...["a", "a", "a", "/", "a", "C:\\", "C:/", "C:\\a", "\\"],
  ]);
});

Deno.test("endsInSeparator() knows each system's separators", () => {
  assertEquals(["a/", "a\\", "a"].map((path) => endsInSeparator(path, false)), [true, false, false]);
  assertEquals(["a/", "a\\", "a"].map((path) => endsInSeparator(path, true)), [true, true, false]);
});
