/** The version that the command line, run folders and exported files name; a test holds it against the configuration. */

/** The version of Residua. */
export const VERSION: string = "0.1.0";
