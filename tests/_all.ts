/** How much is tested where everything takes long: `deno task test:all` sets `RESIDUA_TEST`. */

/** Whether everything is to be tested, rather than a set that covers it. */
export const ALL: boolean = Deno.env.get("RESIDUA_TEST") === "all";
