/** How much is tested where everything takes long: `RESIDUA_TEST` is `all` by `deno task test:all`, and `ci` by `.ci/run`. */

const asked = Deno.env.get("RESIDUA_TEST");

/** Whether everything is to be tested, rather than a set that covers it. */
export const ALL: boolean = asked === "all";

/**
 * Whether that set is to be whole. Without it a test may leave out what only says that the package and its tasks work as a
 * newcomer finds them, and repetitions of what is random.
 */
export const WHOLE: boolean = ALL || asked === "ci";

/** A test that only runs where {@link WHOLE} is. */
export function testWhole(name: string, fn: (t: Deno.TestContext) => void | Promise<void>): void {
  Deno.test({ name: WHOLE ? name : `${name} [with RESIDUA_TEST=ci]`, ignore: !WHOLE, fn });
}
