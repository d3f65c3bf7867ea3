import { assertEquals } from "@std/assert";
import { PathList } from "./path_list.ts";

Deno.test("PathList gives back every path, of any letters, and from its parts alone", () => {
  const paths = ["train/cat/1.png", "", "train/Känguru/日本 語.jpg", "a"], list = PathList.from(paths);
  assertEquals([...list], paths);
  assertEquals(new PathList({ bytes: list.bytes, offsets: list.offsets }).at(2), paths[2]);
  assertEquals([...PathList.from([])], []);
});
