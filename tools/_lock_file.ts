/** Deno's lock files, version 5, as far as they are read here. */

/** A package of a lock. */
export interface LockedPackage {
  /** npm: an SRI string of SHA-512; JSR: the SHA-256 of the version's manifest, in hexadecimal digits. */
  readonly integrity: string;
  /** Those it needs: a name, or a name and a version where the lock has several. */
  readonly dependencies?: readonly string[];
  /** Those of them that only some machines need. */
  readonly optionalDependencies?: readonly string[];
}

/** A lock file. */
export interface LockFile {
  readonly version: string;
  /** The version that each specifier of a source or of an import map stands for. */
  readonly specifiers: Readonly<Record<string, string>>;
  readonly jsr?: Readonly<Record<string, LockedPackage>>;
  readonly npm?: Readonly<Record<string, LockedPackage>>;
  /** What the import maps name: the root's, and those of other members. */
  readonly workspace?: {
    readonly dependencies?: readonly string[];
    readonly members?: Readonly<Record<string, unknown>>;
  };
}

/**
 * A lock with the npm packages of another one, and its own packages of JSR: what is known where JSR cannot be asked.
 *
 * @param lock The lock.
 * @param other The one whose npm packages count.
 */
export function withNpmOf(lock: LockFile, other: LockFile): LockFile {
  const isJsrName = (specifier: string) => specifier.startsWith("jsr:");
  const isJsr = ([specifier]: readonly [string, string]) => isJsrName(specifier);
  const specifiers = [
    ...Object.entries(lock.specifiers).filter(isJsr),
    ...Object.entries(other.specifiers).filter((entry) => !isJsr(entry)),
  ];
  const { jsr, workspace: { members: _, dependencies: own = [], ...workspace } = {} } = lock;
  const { members, dependencies: others = [] } = other.workspace ?? {};
  const dependencies = [...own.filter(isJsrName), ...others.filter((name) => !isJsrName(name))];
  return {
    version: other.version,
    specifiers: Object.fromEntries(specifiers),
    ...(jsr === undefined ? {} : { jsr }),
    npm: other.npm,
    workspace: { ...workspace, dependencies, ...(members === undefined ? {} : { members }) },
  };
}
