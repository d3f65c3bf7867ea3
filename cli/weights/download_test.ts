import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { download } from "./download.ts";

const BYTES = Uint8Array.from({ length: 300_000 }, (_, k) => k * k);

/** Sends the bytes in parts, without their number, and at `/stalls` only the first half of them. */
function answer({ url }: Request): Response {
  const most = url.endsWith("/stalls") ? BYTES.length / 2 : BYTES.length;
  let at = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (at < most) return controller.enqueue(BYTES.slice(at, at = Math.min(most, at + 65_536)));
        if (most === BYTES.length) return controller.close();
        return new Promise<void>(() => {});
      },
    }),
  );
}

Deno.test("download() gives all parts of a file of unknown size, and gives up where none comes", async () => {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  const root = `http://127.0.0.1:${server.addr.port}`, options = { progress: false, otherwise: "copy it" };
  assertEquals(await download(`${root}/whole`, options), BYTES);
  await assertRejects(
    () => download(`${root}/stalls`, { ...options, patience: 0.3 }),
    DataError,
    `${root}/stalls sent nothing for 0.3 seconds; copy it`,
  );
});
