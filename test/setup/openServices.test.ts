import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/setup/config";
import { keyFile, openServices } from "../../src/setup/openServices";
import { times } from "../support/races";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "services-test-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = () => openServices(readConfig({ GATEHOUSE_DATA_DIRECTORY: directory }));

it("gives all of many first starts at once the same keys, and leaves no draft of them", async () => {
  const opened = await Promise.all(times(20, open));
  const [first] = opened;
  for (const { keyring } of opened) {
    expect(keyring.open(first!.keyring.seal(Buffer.from("secret"), "row"), "row").toString()).toBe(
      "secret",
    );
  }
  expect(await readdir(directory)).toEqual(["encryption-keys"]);
});

it("writes nothing where there are keys already", async () => {
  await open();
  const { mtimeMs } = await stat(directory);
  await open();
  expect((await stat(directory)).mtimeMs).toBe(mtimeMs);
});

it("refuses an empty file of keys, and leaves it as it is", async () => {
  await writeFile(keyFile(directory), "");
  await expect(open()).rejects.toThrow(/encryption-keys can't be used/);
  expect(await readdir(directory)).toEqual(["encryption-keys"]);
});
