/** `docs/install.md`: a program of Deno takes the package from a clone. `npm_test.ts` runs what the page says of npm. */

import { assertEquals } from "@std/assert";
import { testWhole } from "./_all.ts";
import { withFolder } from "./_cli.ts";
import { root, runDeno } from "./_launcher.ts";

testWhole(
  "the deno.json of docs/install.md gives a program the package of the clone beside it",
  () =>
    withFolder(async (folder) => {
      const page = await Deno.readTextFile(`${root}docs/install.md`);
      const [config, ...others] = [...page.matchAll(/^```json\n([^]*?)^```/gm)].map(([, text]) => text);
      assertEquals(others, []);
      await Deno.mkdir(`${folder}/program`);
      await Deno.symlink(root, `${folder}/residua`);
      await Deno.writeTextFile(`${folder}/program/deno.json`, config);
      await Deno.writeTextFile(
        `${folder}/program/main.ts`,
        'import { modelByName } from "@residua/residua";\nimport { RunFolder } from "@residua/residua/disk";\n' +
          'console.log(modelByName("resnet8").classes, typeof RunFolder);\n',
      );
      const { code, stdout, stderr } = await runDeno(["run", "-A", "--no-lock", "main.ts"], {
        cwd: `${folder}/program`,
      });
      assertEquals([code, stdout], [0, "10 function\n"], stderr);
    }),
);
