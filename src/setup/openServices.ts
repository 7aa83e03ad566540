import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Services } from "../context/services";
import { CannotStart, type Config, parseKeys } from "./config";
import { SocialProvider } from "../entities/Identity";
import { AccountEntries } from "../context/accountEntries";
import { KEY_BYTES, Keyring } from "../identity/encryption";
import { SocialClient } from "../identity/providers";
import { outbound } from "../net/outbound";

export async function openServices(config: Config): Promise<Services> {
  const { name, production, outboundPrivateHosts: privateHosts, breachedPasswordsUrl } = config;
  const keys = config.encryptionKeys ?? (await keysIn(config.dataDirectory));
  const keyring = new Keyring(keys);
  const fetch = outbound({ production, privateHosts });
  const social = [
    { provider: SocialProvider.GITHUB, settings: config.github },
    { provider: SocialProvider.GOOGLE, settings: config.google },
  ].flatMap(({ provider, settings }) =>
    settings ? [new SocialClient(provider, settings, config.publicUrl, fetch)] : [],
  );
  return { name, keyring, social, fetch, breachedPasswordsUrl, entries: new AccountEntries() };
}

/** The file of keys for a server without GATEHOUSE_ENCRYPTION_KEYS. */
export const keyFile = (directory: string) => join(directory, "encryption-keys");

/**
 * Writes the file under another name and links it when it is complete. Of two servers that start at the
 * same time, one makes the keys and the other reads the whole file.
 */
async function makeKeys(directory: string, file: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  const made = `first:${randomBytes(KEY_BYTES).toString("base64")}`;
  await writeFile(draft, made, { mode: 0o600, flag: "wx" });
  await link(draft, file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  });
  await unlink(draft);
}

/** The keys of that file, which is made at the first start. */
async function keysIn(directory: string) {
  const file = keyFile(directory);
  const read = () => readFile(file, "utf8");
  const text = await read().catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await makeKeys(directory, file);
    return read();
  });
  const keys = parseKeys(text);
  if (typeof keys === "string") throw new CannotStart(`${file} can't be used: ${keys}`);
  return keys;
}
