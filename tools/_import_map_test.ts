import { assertEquals, assertMatch } from "@std/assert";
import { chooseConfiguration, denoDir } from "./_import_map.ts";

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A module, and the manifest of a version of a package that has it alone. */
async function packageOf(source: string): Promise<{ readonly source: string; readonly manifest: string }> {
  const size = new TextEncoder().encode(source).length, checksum = `sha256-${await sha256(source)}`;
  const manifest = JSON.stringify({ manifest: { "/mod.ts": { size, checksum } }, exports: { ".": "./mod.ts" } });
  return { source, manifest };
}

/** What is tried of a clone whose lock names a package of JSR. */
interface Trial {
  readonly root: string;
  readonly cache: string;
  /** What JSR gives; at first nothing. */
  published?: { readonly source: string; readonly manifest: string };
  /** The paths that it was asked for. */
  readonly asked: string[];
}

/** The module that the lock has: it would show if it were run. */
const LOCKED = await packageOf('Deno.writeTextFileSync("run", "");\n');

async function withClone(run: (trial: Trial) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir(), before = Deno.env.get("JSR_URL");
  const trial: Trial = { root: `${folder}/clone ü/`, cache: `${folder}/cache`, asked: [] };
  // Deno keeps what it was given at an address: one of its own, whatever port was used before.
  const base = `/${crypto.randomUUID()}`;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const pathname = new URL(request.url).pathname.slice(base.length), { source, manifest } = trial.published ?? {};
    trial.asked.push(pathname);
    const text = {
      "/@std/assert/meta.json": manifest && '{"versions":{"1.2.3":{}}}',
      "/@std/assert/1.2.3_meta.json": manifest,
      "/@std/assert/1.2.3/mod.ts": source,
    }[pathname];
    return text === undefined ? new Response("", { status: 404 }) : new Response(text);
  });
  Deno.env.set("JSR_URL", `http://127.0.0.1:${server.addr.port}${base}/`);
  try {
    await Deno.mkdir(`${trial.root}tools`, { recursive: true });
    const write = (name: string, content: unknown) => Deno.writeTextFile(trial.root + name, JSON.stringify(content));
    await Deno.writeTextFile(`${trial.root}tools/std.ts`, 'import "@std/assert";\n');
    await write("deno.json", {
      imports: { "@std/assert": "jsr:@std/assert@^1" },
      lock: { path: "deno.lock", frozen: true },
    });
    await write("deno.lock", {
      version: "5",
      specifiers: { "jsr:@std/assert@1": "1.2.3" },
      jsr: { "@std/assert@1.2.3": { integrity: await sha256(LOCKED.manifest) } },
      workspace: { dependencies: ["jsr:@std/assert@1"] },
    });
    await run(trial);
  } finally {
    if (before === undefined) Deno.env.delete("JSR_URL");
    else Deno.env.set("JSR_URL", before);
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("chooseConfiguration() takes JSR where it gives what the lock has, runs nothing of it, and asks once", () =>
  withClone(async (trial) => {
    trial.published = LOCKED;
    const { root, cache, asked } = trial, choose = () => chooseConfiguration(root, cache);
    assertEquals(await choose(), `${root}deno.json`);
    const count = asked.length;
    assertEquals(count >= 3, true);
    assertEquals(await choose(), `${root}deno.json`);
    assertEquals(asked.length, count);
    assertEquals((await Array.fromAsync(Deno.readDir(root))).some(({ name }) => name === "run"), false);
    // Another lock is another question.
    const lock = await Deno.readTextFile(`${root}deno.lock`);
    await Deno.writeTextFile(`${root}deno.lock`, lock.replaceAll("1.2.3", "1.2.4"));
    trial.published = undefined;
    assertEquals(await choose(), `${root}deno.offline.json`);
    assertEquals(asked.length > count, true);
  }));

Deno.test("chooseConfiguration() does without JSR where it gives something else than the lock has, and says so", () =>
  withClone(async (trial) => {
    trial.published = await packageOf('console.log("something else");\n');
    const said: string[] = [], { root, cache } = trial;
    assertEquals(await chooseConfiguration(root, cache, (text) => said.push(text)), `${root}deno.offline.json`);
    assertEquals(said.length, 1);
    assertMatch(said[0], /^note: what JSR gives is not what deno\.lock has, so it is not used/);
  }));

Deno.test("chooseConfiguration() does without JSR where it does not answer, silently, and asks again a day later", () =>
  withClone(async (trial) => {
    const { root, cache } = trial, address = Deno.env.get("JSR_URL")!;
    const choose = (folder: string | undefined = cache) =>
      chooseConfiguration(root, folder, (text) => {
        throw new Error(text);
      });
    trial.published = LOCKED;
    // Nothing listens there.
    Deno.env.set("JSR_URL", "http://127.0.0.1:9/");
    assertEquals(await choose(), `${root}deno.offline.json`);
    // Where the choice cannot be remembered, it is made each time.
    assertEquals(await choose(`${root}deno.json`), `${root}deno.offline.json`);
    Deno.env.set("JSR_URL", address);
    assertEquals(await choose(), `${root}deno.offline.json`);
    assertEquals(trial.asked, []);
    const memory = `${cache}/residua-import-map.json`, known = JSON.parse(await Deno.readTextFile(memory));
    await Deno.writeTextFile(memory, JSON.stringify({ ...known, time: known.time - 25 * 3600 * 1000 }));
    assertEquals(await choose(), `${root}deno.json`);
    // What is remembered may be damaged.
    await Deno.writeTextFile(memory, "{");
    assertEquals(await choose(), `${root}deno.json`);
  }));

Deno.test("denoDir() is where Deno keeps its cache on each system", () => {
  const of = (os: typeof Deno.build.os, variables: Record<string, string>) => denoDir((name) => variables[name], os);
  assertEquals(of("linux", { HOME: "/h" }), "/h/.cache/deno");
  assertEquals(of("linux", { HOME: "/h", XDG_CACHE_HOME: "/c" }), "/c/deno");
  assertEquals(of("darwin", { HOME: "/Users/h", XDG_CACHE_HOME: "/c" }), "/Users/h/Library/Caches/deno");
  assertEquals(of("windows", { LOCALAPPDATA: "C:\\L" }), "C:\\L/deno");
  assertEquals(of("linux", { HOME: "/h", DENO_DIR: "/d" }), "/d");
  assertEquals(of("linux", {}), undefined);
});

Deno.test("denoDir() is what Deno itself says here", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", "--no-config"] }).output();
  const { denoDir: own } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(denoDir((name) => Deno.env.get(name), Deno.build.os)?.replaceAll("\\", "/"), own.replaceAll("\\", "/"));
});
