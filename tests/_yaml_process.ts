/** The process that reads a YAML file and prints it as JSON. The package has a lock of its own. */

const { parse } = await import("npm:yaml@2.9.1");
console.log(JSON.stringify(parse(Deno.readTextFileSync(Deno.args[0]))));
