import { isIP } from "node:net";
import { z } from "zod";
import { canonicalRange } from "../net/addresses";
import { type EncryptionKey, KEY_BYTES } from "../identity/encryption";
import type { ProviderSettings } from "../identity/providers";
import { isMailbox } from "../mails/mailbox";
import { FORBIDDEN_IN_LINES } from "../operations/steps/lineFrom";

// Messages say what a setting takes. Zod's own messages say how it is checked.
/** A whole number. Its default is also the example in the message. */
const whole = (usual: number, least: number, most = Infinity) =>
  z
    .string()
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : NaN))
    .refine(
      (number) => Number.isSafeInteger(number) && number >= least && number <= most,
      `takes a whole number from ${least}${most < Infinity ? ` to ${most}` : ""}, such as ${usual}`,
    )
    .default(usual);
const oneOf = <const W extends readonly string[]>(words: W) =>
  z.enum(words, `takes ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
const flag = oneOf(["true", "false", "1", "0"]).transform(
  (word) => word === "true" || word === "1",
);
const shortText = (most: number) => z.string().max(most, `takes at most ${most} characters`);
const httpUrl = (pattern: RegExp, takes: string) =>
  z
    .url({ protocol: /^https?$/, error: takes, abort: true })
    .refine((text) => pattern.test(text), takes);
const WITHOUT_PATH = /^https?:\/\/[^/?#@]+\/*$/;
const WITHOUT_QUERY = /^https?:\/\/[^?#@]+$/;
const HOST_NAME = /^[a-z\d]([a-z\d._-]*[a-z\d])?\.?$/i;
/** The URL of a provider: an issuer (OpenID Connect Discovery, section 3), or a server. */
const providerUrl = (usual: string) =>
  httpUrl(WITHOUT_QUERY, `takes a URL without query, fragment or user, such as ${usual}`).default(
    usual,
  );
const clientText = shortText(1024).optional();
const databaseUrl = z
  .string()
  .regex(
    /^postgres(ql)?:\/\//,
    "takes a URL such as postgres://user:password@db.example.com/gatehouse",
  );
const mailbox = z
  .string()
  .refine(isMailbox, "takes one address, such as Gatehouse <no-reply@example.com>");

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** All settings. docs/configuration.md says what each is for. */
const settings = z.object({
  NODE_ENV: oneOf(["development", "test", "production"]).default("development"),
  PORT: whole(4000, 0, 65535),
  HOST: z
    .string()
    .refine(
      (host) => isIP(host) !== 0 || HOST_NAME.test(host),
      "takes an address or a host name, such as 0.0.0.0 or localhost",
    )
    .default("localhost"),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_MIGRATION_URL: databaseUrl.optional(),
  DATABASE_POOL_SIZE: whole(10, 1, 500),
  GATEHOUSE_PUBLIC_URL: httpUrl(
    WITHOUT_PATH,
    "takes a URL without path, query or fragment, such as https://id.example.com",
  ).optional(),
  GATEHOUSE_APP_URL: httpUrl(
    WITHOUT_QUERY,
    "takes a URL without query or fragment, such as https://app.example.com",
  ).optional(),
  GATEHOUSE_NAME: shortText(64).default("Gatehouse"),
  GATEHOUSE_ENCRYPTION_KEYS: z
    .string()
    .transform((text, ctx) => {
      const keys = parseKeys(text);
      if (typeof keys !== "string") return keys;
      ctx.addIssue({ code: "custom", message: keys });
      return z.NEVER;
    })
    .optional(),
  GATEHOUSE_GITHUB_CLIENT_ID: clientText,
  GATEHOUSE_GITHUB_CLIENT_SECRET: clientText,
  GATEHOUSE_GITHUB_URL: providerUrl("https://github.com"),
  GATEHOUSE_GOOGLE_CLIENT_ID: clientText,
  GATEHOUSE_GOOGLE_CLIENT_SECRET: clientText,
  GATEHOUSE_GOOGLE_ISSUER: providerUrl("https://accounts.google.com"),
  GATEHOUSE_SMTP_URL: z
    .url({
      protocol: /^smtps?$/,
      error: "takes a URL such as smtps://user:password@mail.example.com",
    })
    .optional(),
  GATEHOUSE_MAIL_FROM: mailbox.default("Gatehouse <gatehouse@localhost>"),
  GATEHOUSE_DATA_DIRECTORY: z.string().default(".gatehouse"),
  GATEHOUSE_DEMO: flag.optional(),
  GATEHOUSE_LOG_LEVEL: oneOf(LOG_LEVELS).default("info"),
  GATEHOUSE_TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform((list, ctx) => {
      const ranges = list.split(/[\s,]+/).filter(Boolean);
      for (const range of ranges) {
        if (canonicalRange(range)) continue;
        const message = `"${range}" is not an address or a range, such as 192.0.2.1 or 10.0.0.0/8`;
        ctx.addIssue({ code: "custom", message });
      }
      return ranges;
    }),
  GATEHOUSE_OUTBOUND_PRIVATE_HOSTS: z
    .string()
    .default("")
    .transform((list, ctx) =>
      list
        .split(/[\s,]+/)
        .filter(Boolean)
        .map((name) => {
          const host = hostFrom(name);
          const message = `"${name}" is not a host name, such as github.corp.example`;
          if (!host) ctx.addIssue({ code: "custom", message });
          return host ?? name;
        }),
    ),
  GATEHOUSE_BREACHED_PASSWORDS_URL: httpUrl(
    WITHOUT_QUERY,
    "takes a URL without query, fragment or password, such as https://api.pwnedpasswords.com",
  ).optional(),
  GATEHOUSE_EXPLORER: flag.optional(),
  GATEHOUSE_COMPILED_READS: flag.default(true),
  GATEHOUSE_MAX_DEPTH: whole(15, 1),
  GATEHOUSE_MAX_ALIASES: whole(50, 1),
  GATEHOUSE_MAX_COST: whole(10_000, 1),
});

type Setting = keyof typeof settings.shape;
/** The settings as the environment has them. */
type Given = { [name in Setting]?: string | undefined };

const PROVIDERS = ["GITHUB", "GOOGLE"] as const;

export interface Config {
  production: boolean;
  port: number;
  host: string;
  /** Null for the embedded database. */
  databaseUrl: string | null;
  migrationUrl: string | null;
  poolSize: number;
  publicUrl: string;
  /** The URL of the frontend, to which the links in mails lead. */
  appUrl: string;
  /** The name of the service, for people. */
  name: string;
  /** The first one encrypts. Null for a key in the data directory. */
  encryptionKeys: EncryptionKeys | null;
  /** Null where the operator has not configured sign-in through it. */
  github: ProviderSettings | null;
  google: ProviderSettings | null;
  /** Null where mails are files in the data directory. */
  smtpUrl: string | null;
  mailFrom: string;
  dataDirectory: string;
  demo: boolean;
  logLevel: string;
  trustedProxies: string[];
  /** Hosts that may have addresses that are not public, in the spelling of URLs. */
  outboundPrivateHosts: string[];
  /** The service that knows passwords of breaches; null for none. */
  breachedPasswordsUrl: string | null;
  /** Whether browsers get the explorer at /graphql. */
  explorer: boolean;
  /** Whether queries are compiled to one statement. If not, resolvers answer them all. */
  compiledReads: boolean;
  limits: { maxDepth: number; maxAliases: number; maxCost: number };
  /** Probable mistakes that do not keep the server from starting. Each names a setting. */
  warnings: string[];
}

/** A host without a port, in the spelling of URLs: lower case and ASCII; null for any other text. */
function hostFrom(name: string): string | null {
  if (!URL.canParse(`https://${name}`)) return null;
  const { href, hostname } = new URL(`https://${name}`);
  return href === `https://${hostname}/` && !hostname.includes("*") ? hostname : null;
}

export type EncryptionKeys = readonly [EncryptionKey, ...EncryptionKey[]];

/** Parses keys as `id:base64`, the current one first; or returns what is wrong, without any key. */
export function parseKeys(text: string): EncryptionKeys | string {
  const keys = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((one) => {
      const [, id, base64] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]+=*)$/.exec(one) ?? [];
      return id && base64 ? { id, key: Buffer.from(base64, "base64") } : null;
    });
  const [first, ...others] = keys;
  if (!first || others.includes(null)) {
    return "takes keys such as 2026a:BASE64, the current one first, separated by spaces or commas";
  }
  const all: EncryptionKeys = [first, ...(others as EncryptionKey[])];
  const short = all.find(({ key }) => key.length !== KEY_BYTES);
  if (short)
    return `the key "${short.id}" must have ${KEY_BYTES} bytes, such as \`openssl rand -base64 32\` makes`;
  if (new Set(all.map(({ id }) => id)).size < all.length) return "two keys have the same id";
  return all;
}

/** The process can't start. The operator can correct the reason. */
export class CannotStart extends Error {}

/** The environment has invalid settings. Each line of the message names one. */
export class BadConfiguration extends CannotStart {
  constructor(problems: string[]) {
    super(["The configuration can't be used:", ...problems.map((line) => `  ${line}`)].join("\n"));
  }
}

/** Reads the settings from the environment. @throws BadConfiguration that names all at fault. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  // An empty variable is not set: compose files and shells write it so.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const { data, error } = settings.safeParse(given);
  const unseen = invisible(given);
  const problems = [
    ...unseen.map((name) => `${name}: takes one line, without control characters`),
    ...(error?.issues ?? [])
      .filter(({ path }) => !unseen.includes(String(path[0])))
      .map(({ path, message }) => `${path.join(".")}: ${message}`),
    ...clashes(given),
  ];
  // Named with the problems: a misspelt name is often the reason why a setting is missing.
  const unknown = unknownSettings(given);
  if (!data || problems.length) throw new BadConfiguration([...problems, ...unknown]);
  const production = data.NODE_ENV === "production";
  const { GATEHOUSE_PUBLIC_URL: publicUrl = `http://localhost:${data.PORT}` } = data;
  return {
    production,
    port: data.PORT,
    host: data.HOST,
    databaseUrl: data.DATABASE_URL ?? null,
    migrationUrl: data.DATABASE_MIGRATION_URL ?? data.DATABASE_URL ?? null,
    poolSize: data.DATABASE_POOL_SIZE,
    publicUrl: publicUrl.replace(/\/+$/, ""),
    appUrl: (data.GATEHOUSE_APP_URL ?? publicUrl).replace(/\/+$/, ""),
    name: data.GATEHOUSE_NAME,
    encryptionKeys: data.GATEHOUSE_ENCRYPTION_KEYS ?? null,
    github: provider("GITHUB", data, data.GATEHOUSE_GITHUB_URL.replace(/\/+$/, "")),
    google: provider("GOOGLE", data, data.GATEHOUSE_GOOGLE_ISSUER),
    smtpUrl: data.GATEHOUSE_SMTP_URL ?? null,
    mailFrom: data.GATEHOUSE_MAIL_FROM,
    dataDirectory: data.GATEHOUSE_DATA_DIRECTORY,
    demo: data.GATEHOUSE_DEMO ?? !data.DATABASE_URL,
    logLevel: data.GATEHOUSE_LOG_LEVEL,
    trustedProxies: data.GATEHOUSE_TRUSTED_PROXIES,
    outboundPrivateHosts: data.GATEHOUSE_OUTBOUND_PRIVATE_HOSTS,
    breachedPasswordsUrl: data.GATEHOUSE_BREACHED_PASSWORDS_URL?.replace(/\/+$/, "") ?? null,
    explorer: data.GATEHOUSE_EXPLORER ?? !production,
    compiledReads: data.GATEHOUSE_COMPILED_READS,
    limits: {
      maxDepth: data.GATEHOUSE_MAX_DEPTH,
      maxAliases: data.GATEHOUSE_MAX_ALIASES,
      maxCost: data.GATEHOUSE_MAX_COST,
    },
    warnings: [...unknown, ...(keepsSessions(publicUrl) ? [] : [NO_SESSIONS])],
  };
}

/** A provider through which people sign in; null where it is not configured. */
function provider(
  name: (typeof PROVIDERS)[number],
  data: z.output<typeof settings>,
  url: string,
): ProviderSettings | null {
  const clientId = data[`GATEHOUSE_${name}_CLIENT_ID`];
  const clientSecret = data[`GATEHOUSE_${name}_CLIENT_SECRET`];
  return clientId && clientSecret ? { clientId, clientSecret, url } : null;
}

/** Settings that are lists, whose items may be on separate lines. */
const LISTS: readonly string[] = [
  "GATEHOUSE_ENCRYPTION_KEYS",
  "GATEHOUSE_TRUSTED_PROXIES",
  "GATEHOUSE_OUTBOUND_PRIVATE_HOSTS",
] satisfies Setting[];

/** The settings with invisible characters. Most often it is the line break at the end of a file. */
function invisible(given: Given): string[] {
  return Object.entries(given)
    .filter(([name]) => name in settings.shape && !LISTS.includes(name))
    .filter(([, value]) => FORBIDDEN_IN_LINES.test(value!))
    .map(([name]) => name);
}

/**
 * Settings that contradict each other, or must not be so in production. It reads the environment and not
 * the parsed settings, so that a setting that is wrong in itself does not hide these.
 */
function clashes(given: Given): string[] {
  const problems: string[] = [];
  for (const name of PROVIDERS) {
    const id = `GATEHOUSE_${name}_CLIENT_ID` as const;
    const secret = `GATEHOUSE_${name}_CLIENT_SECRET` as const;
    if (Boolean(given[id]) === Boolean(given[secret])) continue;
    const [missing, present] = given[id] ? [secret, id] : [id, secret];
    problems.push(`${missing}: required with ${present}`);
  }
  if (given.NODE_ENV !== "production") return problems;
  for (const [name, why] of Object.entries(REQUIRED_IN_PRODUCTION)) {
    if (!given[name as Setting]) problems.push(`${name}: required in production${why}`);
  }
  for (const name of HTTPS_IN_PRODUCTION) {
    if (given[name]?.startsWith("http://")) problems.push(`${name}: must be https in production`);
  }
  if (given.GATEHOUSE_DEMO === "true" || given.GATEHOUSE_DEMO === "1") {
    problems.push("GATEHOUSE_DEMO: must not be on in production; its password is printed");
  }
  return problems;
}

const REQUIRED_IN_PRODUCTION: Given = {
  DATABASE_URL: "; the embedded database is for trying out",
  GATEHOUSE_PUBLIC_URL: ", such as https://id.example.com",
  GATEHOUSE_SMTP_URL: ", such as smtps://user:password@mail.example.com",
  GATEHOUSE_ENCRYPTION_KEYS: ", such as 2026a:BASE64 with what `openssl rand -base64 32` makes",
};

const HTTPS_IN_PRODUCTION = [
  "GATEHOUSE_PUBLIC_URL",
  "GATEHOUSE_BREACHED_PASSWORDS_URL",
  "GATEHOUSE_GITHUB_URL",
  "GATEHOUSE_GOOGLE_ISSUER",
] as const;

/** Whether browsers store `Secure` cookies from this URL: from https, and from their own machine. */
const keepsSessions = (publicUrl: string) =>
  /^https:|^http:\/\/((.+\.)?localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/.test(publicUrl);
const NO_SESSIONS =
  "GATEHOUSE_PUBLIC_URL: browsers store no session from plain http, except from localhost. Use https, or http://localhost.";

/** Kubernetes sets these variables for a service with the name `gatehouse`. */
const BY_KUBERNETES = /^GATEHOUSE_(SERVICE_(HOST|PORT)|PORT_\d|PORT=tcp:)/;

/** Variables that begin like a setting and are none, with the setting that was probably meant. */
function unknownSettings(given: Given): string[] {
  const names = Object.keys(settings.shape);
  return Object.entries(given)
    .filter(([name, value]) => !BY_KUBERNETES.test(`${name}=${value}`))
    .map(([name]) => name)
    .filter((name) => name.startsWith("GATEHOUSE_") && !names.includes(name))
    .map((name) => {
      const near = names.find((one) => distance(one, name) <= 2);
      const advice = near ? `Did you mean ${near}?` : "docs/configuration.md lists all settings.";
      return `${name}: there is no such setting. ${advice}`;
    });
}

/** How many letters two names differ by (Levenshtein). */
function distance(a: string, b: string): number {
  let row = [...b, ""].map((_, j) => j);
  [...a].forEach((letter, i) => {
    const next = [i + 1];
    [...b].forEach((other, j) => {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)));
    });
    row = next;
  });
  return row.at(-1)!;
}
