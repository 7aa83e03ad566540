import { randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `work` while no other process runs its own under the same lock file. What a killed process
 * leaves behind is recognised: its pid is dead, or (the pid has a new owner) the file isn't touched.
 *
 * This keeps two starts and stops in order. It isn't what protects the data: PostgreSQL does that
 * with postmaster.pid and its shared memory, and would even where two of us got in.
 */
export async function exclusively<T>(
  lock: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (await abandoned(lock)) await rm(lock, { force: true });
    else await sleep(50);
  }
  const touch = () => void utimes(lock, new Date(), new Date()).catch(() => undefined);
  const heart = setInterval(touch, 1_000).unref();
  try {
    return await work();
  } finally {
    clearInterval(heart);
    await rm(lock, { force: true });
  }
}

async function abandoned(lock: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(lock, "utf8"));
    const untouched = Date.now() - (await stat(lock)).mtimeMs;
    // Without a pid yet, its owner is between creating and writing it.
    return untouched > 10_000 || (pid > 0 && !alive(pid));
  } catch {
    return false;
  }
}

/** Whether a process of any user has this pid. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const ours = new Set<string>();

/** Notes in `folder` that this process uses the server; what it returns takes the note back. */
export async function register(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const name = `${process.pid}-${randomUUID()}`;
  await writeFile(join(folder, name), "");
  ours.add(name);
  return async () => {
    ours.delete(name);
    await rm(join(folder, name), { force: true });
  };
}

/** Whether any living process uses the server. */
export async function inUse(folder: string): Promise<boolean> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = Number.parseInt(name);
    // In a container a restarted process has the same pid again and again.
    if (pid === process.pid ? ours.has(name) : alive(pid)) return true;
    await rm(join(folder, name), { force: true });
  }
  return false;
}
