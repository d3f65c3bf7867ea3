import { assert, assertEquals, assertRejects } from "@std/assert";
import process from "node:process";
import { DataError } from "../core/mod.ts";
import { withFolder } from "../tests/_cli.ts";
import { type FileLock, lockByNumber, lockFile, lockState } from "./run_lock.ts";

/** The number of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "null" }).spawn();
  await child.status;
  return child.pid;
}

const ways = { "the system": lockFile, "its number": lockByNumber };

for (const [way, lock] of Object.entries(ways)) {
  Deno.test(`lockFile() by ${way} refuses a second lock, and names the process, however that locks`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/run.lock`, held = await lock(path);
      assertEquals((await Deno.readTextFile(path)).split("\n")[0], String(process.pid));
      for (const other of Object.values(ways)) {
        await assertRejects(() => other(path), DataError, `${path}: the run is in use by process ${process.pid};`);
      }
      held.release();
    }));

  Deno.test(`lockFile() by ${way} takes what processes left that have ended, and what says nothing for long`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/run.lock`, ended = await endedProcess();
      for (const left of [`${ended}\n`, `${ended}\n1700000000000\n`, `${process.pid}\n1700000000000\n`, ""]) {
        await Deno.writeTextFile(path, left);
        await Deno.utime(path, new Date(0), new Date(0));
        (await lock(path)).release();
        assertEquals((await Deno.readTextFile(path)).split("\n")[0], String(process.pid), left);
        await Deno.remove(path);
      }
      assertEquals([...Deno.readDirSync(folder)], []);
    }));

  Deno.test(`lockFile() by ${way} gives a file to one of several that ask at once`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/run.lock`;
      await Deno.writeTextFile(path, `${await endedProcess()}\n1700000000000\n`);
      const settled = await Promise.allSettled(Array.from({ length: 5 }, () => lock(path)));
      const held = settled.filter(({ status }) => status === "fulfilled");
      assertEquals(held.length, 1, JSON.stringify(settled));
      for (const { value } of held as PromiseFulfilledResult<FileLock>[]) value.release();
      assert(await Deno.stat(path));
    }));
}

Deno.test("lockFile() by its number goes on where a process was killed while it took a file away", () =>
  withFolder(async (folder) => {
    const path = `${folder}/run.lock`, taking = `${path}.taking`;
    await Deno.writeTextFile(path, `${await endedProcess()}\n1700000000000\n`);
    await Deno.writeTextFile(taking, "");
    await Deno.utime(taking, new Date(0), new Date(0));
    (await lockByNumber(path)).release();
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["run.lock"]);
  }));

Deno.test({
  name: "lockFile() by the system heeds the lock of a process in Node that it may not look for",
  permissions: { read: true, write: true, env: true, run: false },
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/run.lock`;
      await Deno.writeTextFile(path, "1\n1700000000000\n");
      const error = await assertRejects(() => lockFile(path), DataError);
      assertEquals(
        error.message,
        `${path}: process 1 has taken the run, and this command may not look whether it still has it; once it has ended, ` +
          "remove the file",
      );
      assertEquals(await Deno.readTextFile(path), "1\n1700000000000\n");
    }),
});

for (const [way, lock] of Object.entries(ways)) {
  Deno.test(`lockState() tells a lock by ${way} from one that was left, and leaves it as it is`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/run.lock`;
      assertEquals(await lockState(path), "free");
      const held = await lock(path), text = await Deno.readTextFile(path);
      assertEquals([await lockState(path), await lockState(path)], ["held", "held"]);
      assertEquals(await Deno.readTextFile(path), text);
      held.release();
      // As a process leaves it that was killed.
      if (way === "its number") await Deno.writeTextFile(path, text.replace(/^\d+/, `${await endedProcess()}`));
      assertEquals([await lockState(path), await lockState(path)], ["free", "free"]);
      (await lock(path)).release();
      await Deno.writeTextFile(path, "x".repeat(1000));
      assertEquals(await lockState(path), "free", "no such file is a lock");
    }));
}
