import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { lockFile } from "../../files/run_lock.ts";
import { withFolder } from "../../tests/_cli.ts";
import { metricsLines, writeRun } from "../../tests/_dashboard.ts";
import { STOP_REQUEST } from "../stop_request.ts";
import { RequestError } from "./answers.ts";
import { openRoot } from "./find_runs.ts";
import { Run } from "./run.ts";
import { createToken, runStopper } from "./stop_run.ts";

const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);

/** Expects a request to be refused, with a status and a sentence. */
async function refuses(asked: Promise<unknown>, status: number, text: string): Promise<void> {
  const error = await assertRejects(() => asked, RequestError, text);
  assertEquals((error as unknown as RequestError).status, status);
}

Deno.test("createToken() gives another token each time", () => {
  const tokens = Array.from({ length: 100 }, createToken);
  for (const token of tokens) assertMatch(token, /^([0-9a-f]{5}-){3}[0-9a-f]{5}$/);
  assertEquals(new Set(tokens).size, 100);
});

Deno.test("a run that goes on is asked to stop with the right token alone", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/a/r`, metricsLines(1, 2));
    const token = createToken(), stop = runStopper(await openRoot(folder), folder, token), run = new Run("a/r");
    const request = `${folder}/a/r/${STOP_REQUEST}`;
    await refuses(stop(run, token), 409, "a/r is not going on");
    const lock = await lockFile(`${folder}/a/r/run.lock`);
    for (const wrong of ["", token.slice(1), `${token}0`, token.toUpperCase() === token ? "x" : token.toUpperCase()]) {
      await refuses(stop(run, wrong), 403, "That is not the token");
    }
    assertEquals(await exists(request), false);
    assertEquals(await stop(run, ` ${token}\n`), {});
    assert((await Deno.lstat(request)).isFile);
    // Again, before it was heard.
    assertEquals(await stop(run, token), {});
    lock.release();
  }));

Deno.test({
  name: "a request to stop is written through no link",
  ignore: Deno.build.os === "windows",
}, () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/outside/r`, metricsLines(1, 2));
    await writeRun(`${folder}/runs/r`, metricsLines(1, 2));
    const token = createToken(),
      root = await openRoot(`${folder}/runs`),
      stop = runStopper(root, `${folder}/runs`, token);
    const locks = [await lockFile(`${folder}/outside/r/run.lock`), await lockFile(`${folder}/runs/r/run.lock`)];
    await Deno.symlink(`${folder}/victim`, `${folder}/runs/r/${STOP_REQUEST}`);
    assertEquals(await stop(new Run("r"), token), {});
    assertEquals(await exists(`${folder}/victim`), false);
    await Deno.remove(`${folder}/runs/r`, { recursive: true });
    await Deno.symlink(`${folder}/outside/r`, `${folder}/runs/r`);
    await refuses(stop(new Run("r"), token), 409, "r is not going on");
    assertEquals(await exists(`${folder}/outside/r/${STOP_REQUEST}`), false);
    for (const lock of locks) lock.release();
  }));
