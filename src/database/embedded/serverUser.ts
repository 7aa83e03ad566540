import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  stat,
  symlink,
} from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";

/** Whom the embedded PostgreSQL runs as, which can't be root: it refuses to. */
export interface ServerUser {
  /** Whom the kernel takes it for when it opens a file. */
  uid: number;
  gid: number;
  /** Goes before the program and its arguments. */
  wrapper: string[];
  /** Options for `spawn`. */
  become: { uid?: number; gid?: number };
}

const NAMESPACE = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"];

/** initdb wants a user with a name (macOS can't spell its nobody, -2, in chown). */
const NOBODY = process.platform === "darwin" ? 1 : 65534;

/**
 * A group that no distribution and no other program uses. Other things run as nobody too; this
 * group opens our folders to our server and not to them, and stops them from tracing it.
 */
const OUR_GROUP = 60700;

/**
 * For root, a user namespace is best: the server believes it is nobody and has none of root's
 * powers, but owns what root owns, so that a project under a 0700 home needs no copies. Containers
 * often forbid that; there it becomes a real nobody. A user without a name, as containers give
 * out, finds one in the namespace too; elsewhere initdb says that it wants one.
 */
export function serverUser(): ServerUser {
  const uid = process.geteuid?.() ?? -1;
  const gid = process.getegid?.() ?? -1;
  const plain = { uid, gid, wrapper: [], become: {} };
  if (uid !== 0 && hasName()) return plain;
  const [unshare = "", ...rest] = NAMESPACE;
  if (spawnSync(unshare, [...rest, "true"]).status === 0)
    return { uid, gid, wrapper: NAMESPACE, become: {} };
  if (uid !== 0) return plain;
  return {
    uid: NOBODY,
    gid: OUR_GROUP,
    wrapper: [],
    become: { uid: NOBODY, gid: OUR_GROUP },
  };
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false; // no such line in the passwd file
  }
}

/** Whether the server may pass through every folder above `path`, and enter or run it. */
export async function reachable(path: string, user: ServerUser): Promise<boolean> {
  if (process.geteuid?.() !== 0) return true;
  for (let at = path; ; at = dirname(at)) {
    const { uid, gid, mode } = await stat(at);
    const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    if ((bits & 1) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * Makes `path` a folder that only this process's user can enter, and the server pass through.
 * Throws where another user owns it: in a shared folder they could have made it first.
 */
export async function makePrivate(path: string, user: ServerUser): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(path);
  const us = process.geteuid?.() ?? found.uid;
  if (!found.isDirectory() || found.uid !== us)
    throw new Error(`${path} belongs to another user. Run as that user, or remove it.`);
  // Once let in, our group stays: a server that runs as nobody may have been left behind, and
  // without the way to its files it can't even shut down.
  const gid = user.become.gid ?? found.gid;
  if (gid !== found.gid) await chown(path, us, gid);
  await chmod(path, gid === OUR_GROUP ? 0o710 : 0o700);
  return path;
}

/**
 * A private folder in the first of `bases` that will have it. Its name can't be guessed, so nobody
 * can be there before us; a symlink at `link` remembers it for the next time.
 */
export async function makePrivateElsewhere(
  link: string,
  bases: string[],
  user: ServerUser,
): Promise<string> {
  const known = await readlink(link).catch(() => undefined);
  if (known !== undefined) {
    if (existsSync(known)) return makePrivate(known, user);
    throw new Error(`${link} points to ${known}, which is gone. Remove the link to start afresh.`);
  }
  for (const base of bases) {
    if (!(await reachable(base, user).catch(() => false))) continue;
    const path = await mkdtemp(join(base, "gatehouse-")).catch(() => undefined);
    if (path === undefined) continue;
    await symlink(path, link);
    return makePrivate(path, user);
  }
  throw new Error(`No folder of ${bases.join(", ")} can be written. Set DATABASE_URL instead.`);
}

/** Makes the server the owner of `path` and all in it, as PostgreSQL demands of its data. */
export async function giveToServer(path: string, user: ServerUser): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  for (const entry of ["", ...(await readdir(path, { recursive: true }))])
    await lchown(join(path, entry), user.uid, user.gid);
}
