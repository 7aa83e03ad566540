import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type * as workerThreads from "node:worker_threads";
import { hash, verify } from "../../src/identity/hashing";
import { atOnce, times } from "../support/races";

const threads: workerThreads.Worker[] = [];
jest.mock("node:worker_threads", () => {
  const actual = jest.requireActual<typeof workerThreads>("node:worker_threads");
  class Watched extends actual.Worker {
    constructor(...args: ConstructorParameters<typeof workerThreads.Worker>) {
      super(...args);
      threads.push(this);
    }
  }
  return { ...actual, Worker: Watched };
});

const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
const PASSWORD = "gravel-otter-lantern-58";

/** Threads of other test files in this process, which hash nothing any more. */
const before = process.platform === "linux" ? lowered() : 0;

describe("hashing", () => {
  it("U4: gives each who waits the answer to their own question", async () => {
    const hashes = await Promise.all(times(4, (i) => hash(`${PASSWORD}${i}`)));

    const answers = await Promise.all(
      hashes.flatMap((one) => times(4, (i) => verify(one, `${PASSWORD}${i}`))),
    );

    expect(answers).toEqual(times(16, (i) => i % 5 === 0));
  });

  it("U4: uses half of the cores, however many ask", async () => {
    await atOnce(times(20, () => () => hash(PASSWORD)));

    expect(threads).toHaveLength(AT_ONCE);
  });

  it("U4: fails for those who wait when a thread ends, and goes on with another", async () => {
    const stored = await hash(PASSWORD);
    const before = threads.length;

    const outcomes = atOnce(times(2 * AT_ONCE, () => () => verify(stored, PASSWORD)));
    await Promise.all(threads.map((thread) => thread.terminate()));

    expect(await outcomes).toEqual({
      done: 0,
      codes: times(2 * AT_ONCE, () => "Error: The thread that hashes passwords has ended."),
    });
    expect(await verify(stored, PASSWORD)).toBe(true);
    expect(threads).toHaveLength(before + 1);
  });

  (process.platform === "linux" ? it : it.skip)(
    "U4: hashes at a lower priority than everything else has",
    async () => {
      await atOnce(times(AT_ONCE, () => () => hash(PASSWORD)));

      expect(lowered()).toBe(before + AT_ONCE);
    },
  );

  it("U4: works where sources run as they are, and lets the process end", async () => {
    const script = `require("./src/identity/hashing").hash("${PASSWORD}").then(console.log)`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", "tsx", "--eval", script],
      { cwd: join(__dirname, "../.."), timeout: 20_000 },
    );

    expect(await verify(stdout.trim(), PASSWORD)).toBe(true);
  });
});

/** How many threads of this process have a lower priority than itself. */
function lowered(): number {
  const { pid } = process;
  const own = niceOf(pid, String(pid));
  return readdirSync(`/proc/${pid}/task`).filter((id) => niceOf(pid, id) > own).length;
}

/** The 19th field of `stat`, which follows the name in parentheses (proc(5)). */
function niceOf(pid: number, thread: string): number {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}
