/** The process that reads a YAML file and prints it as JSON. The package has a lock of its own. */

const specifier = "npm:yaml@2.9.1";
const { parse } = await import(specifier);
console.log(JSON.stringify(parse(Deno.readTextFileSync(Deno.args[0]))));
