/**
 * The process that holds a bill of materials on standard input to CycloneDX's own schema, and prints what is wrong with it as
 * a JSON list. The packages have a lock of their own.
 */

const specifiers = [
  "npm:@cyclonedx/cyclonedx-library@10.3.0",
  "npm:ajv@8.20.0",
  "npm:ajv-formats@3.0.1",
  "npm:ajv-formats-draft2019@1.6.1",
];
const [{ _Resources: { FILES } }, { default: Ajv }, ...formats] = await Promise.all(
  specifiers.map((name) => import(name)),
);
const read = (path: string) => JSON.parse(Deno.readTextFileSync(path));
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  // By the names that the schema has for them.
  schemas: {
    "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json": read(FILES.SPDX.JSON_SCHEMA),
    "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json": read(FILES.JSF.JSON_SCHEMA),
  },
});
for (const { default: addFormats } of formats) addFormats(ajv);
const validate = ajv.compile(read(FILES.CDX.JSON_STRICT_SCHEMA["1.5"]));
validate(await new Response(Deno.stdin.readable).json());
console.log(JSON.stringify(validate.errors ?? []));
