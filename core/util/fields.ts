/** What values that were read from a file should be: checks that name the first field that is something else. */

/** Looks at a value: nothing where it is right, else which field of it is not, what that is, and what was expected. */
export type FieldCheck = (value: unknown, name: string) => string | undefined;

const LONGEST = 60;

/** A value as a message shows it: JSON of bounded length. */
function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** What a function tells apart; messages call it `what`. */
export function customField(what: string, isRight: (value: unknown) => boolean): FieldCheck {
  return (value, name) => isRight(value) ? undefined : `${name} is ${show(value)}, expected ${what}`;
}

/** A whole number of at least 0, or of at least another least. */
export function countField(least = 0): FieldCheck {
  const isRight = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least;
  return customField(`a whole number of at least ${least}`, isRight);
}

/** A finite number. */
export const numberField: FieldCheck = customField("a number", Number.isFinite);
/** Text. */
export const textField: FieldCheck = customField("text", (value) => typeof value === "string");
/** True or false. */
export const flagField: FieldCheck = customField("true or false", (value) => typeof value === "boolean");

/** What may be missing. */
export function optionalField(check: FieldCheck): FieldCheck {
  return (value, name) => value === undefined ? undefined : check(value, name);
}

/** A list, of one length or any, of what another check passes. */
export function listField(check: FieldCheck, length?: number): FieldCheck {
  const what = length === undefined ? "a list" : `a list of ${length}`;
  return (value, name) => {
    if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
      return customField(what, () => false)(value, name);
    }
    for (let k = 0; k < value.length; k++) {
      const fault = check(value[k], `${name}[${k}]`);
      if (fault !== undefined) return fault;
    }
  };
}

/**
 * An object with these fields; others are passed over.
 *
 * @example
 * ```ts
 * import { countField, objectField, textField } from "@residua/residua/core";
 * const check = objectField({ name: textField, epochs: countField(1) });
 * console.log(check({ name: "a", epochs: 0 }, "run")); // run.epochs is 0, expected a whole number of at least 1
 * ```
 */
export function objectField(fields: Readonly<Record<string, FieldCheck>>): FieldCheck {
  return (value, name) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return customField("an object", () => false)(value, name);
    }
    for (const [field, check] of Object.entries(fields)) {
      const own = Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
      const fault = check(own, name === "" ? field : `${name}.${field}`);
      if (fault !== undefined) return fault;
    }
  };
}
