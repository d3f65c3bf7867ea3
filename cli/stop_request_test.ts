import { assertEquals } from "@std/assert";
import { withFolder } from "../tests/_cli.ts";
import { STOP_REQUEST, StopRequests } from "./stop_request.ts";

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("StopRequests takes away what was left of before, hears a request once, and takes it away", () =>
  withFolder(async (folder) => {
    const path = `${folder}/${STOP_REQUEST}`;
    await Deno.writeTextFile(path, "");
    let told = 0;
    const heard = Promise.withResolvers<void>();
    using _ = new StopRequests(folder, () => {
      told++;
      heard.resolve();
    });
    assertEquals([await exists(path), told], [false, 0]);
    await Deno.writeTextFile(path, "");
    await heard.promise;
    // Another finds nobody who looks.
    await Deno.writeTextFile(path, "");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assertEquals([await exists(path), told], [true, 1]);
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
