/** What the sources take from JSR, so that it can be fetched and held to the lock without running anything. */

import "@std/assert";
import "@std/cli/parse-args";
