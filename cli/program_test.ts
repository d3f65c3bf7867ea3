import { assertEquals } from "@std/assert";
import { programAt } from "./program.ts";

Deno.test("programAt() names the command line as it was started", () => {
  const cases = {
    "file:///home/me/residua/cli/program.ts": "deno task",
    "https://jsr.io/@residua/residua/0.1.0/cli/program.ts": "residua",
    "file:///home/me/project/node_modules/residua/cli/program.js": "npx residua",
    "file:///home/me/.npm/_npx/0f1e/node_modules/residua/cli/program.js": "npx residua",
    "file:///usr/lib/node_modules/residua/cli/program.js": "residua",
    "file:///C:/Users/me/AppData/Roaming/npm/node_modules/residua/cli/program.js": "residua",
    "file:///home/me/.bun/install/global/node_modules/residua/cli/program.js": "residua",
    "file:///home/me/.local/share/pnpm/global/5/node_modules/residua/cli/program.js": "residua",
  };
  const task = "file:///home/me/residua/cli/program.ts", npx = `npx -y deno@${Deno.version.deno} task`;
  assertEquals([programAt(task, "exec"), programAt(task, "run-script")], [npx, "deno task"]);
  for (const [address, name] of Object.entries(cases)) assertEquals(programAt(address), name, address);
});
