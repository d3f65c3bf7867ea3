import { assertEquals } from "@std/assert";
import { withFolder } from "../tests/_cli.ts";
import { STOP_REQUEST, StopRequests } from "./stop_request.ts";

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("StopRequests takes away what was left of before, hears a request once, and takes it away", () =>
  withFolder(async (folder) => {
    const path = `${folder}/${STOP_REQUEST}`;
    await Deno.writeTextFile(path, "");
    let told = 0;
    using requests = new StopRequests(folder, () => told++);
    assertEquals([await exists(path), requests.signal.aborted], [false, false]);
    await Deno.writeTextFile(path, "");
    await new Promise((resolve) => requests.signal.addEventListener("abort", resolve));
    assertEquals([await exists(path), told], [false, 1]);
  }));

Deno.test("StopRequests looks no more once it is disposed of", () =>
  withFolder(async (folder) => {
    const path = `${folder}/${STOP_REQUEST}`;
    {
      using _ = new StopRequests(folder, () => {
        throw new Error("it still looks");
      });
    }
    await Deno.writeTextFile(path, "");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assertEquals(await exists(path), true);
  }));
