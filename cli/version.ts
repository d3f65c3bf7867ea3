/** The version that the command line and run folders name; a test holds it against the configuration. */

/** The version of Residua. */
export const VERSION = "0.1.0";
