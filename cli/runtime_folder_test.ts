import { assert, assertEquals } from "@std/assert";
import { LAUNCH, root } from "../tests/_launcher.ts";
import { withFolder } from "../tests/_cli.ts";

Deno.test({
  name: "provideRuntimeFolder() gives a process a folder where it has none, which goes with it, however it ends",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const module = `${root}cli/runtime_folder.ts`;
      const program = `const { provideRuntimeFolder } = await import(${JSON.stringify(module)});
provideRuntimeFolder();
console.log(Deno.env.get("XDG_RUNTIME_DIR"), [...Deno.readDirSync(Deno.env.get("TMPDIR"))].length);`;
      for (const end of ["", "Deno.exit(0);", 'import("node:process").then(({ exit }) => exit(0));']) {
        const path = `${folder}/main.mjs`, temporary = `${folder}/tmp`;
        await Deno.mkdir(temporary, { recursive: true });
        await Deno.writeTextFile(path, `${program}\n${end}`);
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [...LAUNCH, path],
          clearEnv: true,
          env: { TMPDIR: temporary, NO_COLOR: "1" },
        }).output();
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        const said = new TextDecoder().decode(stdout);
        assert(said.startsWith(`${temporary}/residua-runtime-`) && said.endsWith(" 1\n"), said);
        assertEquals([...Deno.readDirSync(temporary)], [], end);
      }
    }),
});
