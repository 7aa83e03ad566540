import { z } from "zod";
import { canonicalRange } from "./addresses";
import { type EncryptionKey, KEY_BYTES } from "./identity/encryption";
import type { ProviderSettings } from "./identity/social";

const port = z.coerce.number().int().min(0).max(65535);
const positive = z.coerce.number().int().min(1);
const flag = z
  .enum(["true", "false", "1", "0"])
  .transform((word) => word === "true" || word === "1");
/** Where a provider is: an issuer (OpenID Connect Discovery, section 3), or a server. */
const providerUrl = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((text) => /^https?:\/\/[^?#@]+$/.test(text), "must have no query, fragment or user");
const clientText = z.string().max(1024).optional();
const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, "must start with postgres:// or postgresql://");

/** Every setting there is; docs/configuration.md says what each is for. */
const plainSettings = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).default("development"),
  PORT: port.default(4000),
  HOST: z.string().default("localhost"),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_MIGRATION_URL: databaseUrl.optional(),
  DATABASE_POOL_SIZE: positive.max(500).default(10),
  GATEHOUSE_PUBLIC_URL: z
    .url({ protocol: /^https?$/, abort: true })
    .refine((text) => /^https?:\/\/[^/?#@]+\/*$/.test(text), "must have no path, query or fragment")
    .optional(),
  GATEHOUSE_APP_URL: z
    .url({ protocol: /^https?$/, abort: true })
    .refine((text) => /^https?:\/\/[^?#@]+$/.test(text), "must have no query or fragment")
    .optional(),
  GATEHOUSE_NAME: z.string().max(64).default("Gatehouse"),
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
  GATEHOUSE_GITHUB_URL: providerUrl.default("https://github.com"),
  GATEHOUSE_GOOGLE_CLIENT_ID: clientText,
  GATEHOUSE_GOOGLE_CLIENT_SECRET: clientText,
  GATEHOUSE_GOOGLE_ISSUER: providerUrl.default("https://accounts.google.com"),
  GATEHOUSE_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  GATEHOUSE_MAIL_FROM: z.string().default("Gatehouse <gatehouse@localhost>"),
  GATEHOUSE_DATA_DIRECTORY: z.string().default(".gatehouse"),
  GATEHOUSE_DEMO: flag.optional(),
  GATEHOUSE_LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info"),
  GATEHOUSE_TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform((list, ctx) => {
      const ranges = list.split(/[\s,]+/).filter(Boolean);
      for (const range of ranges) {
        if (!canonicalRange(range)) {
          ctx.addIssue({ code: "custom", message: `"${range}" is no address or range` });
        }
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
          if (!host) ctx.addIssue({ code: "custom", message: `"${name}" is no host name` });
          return host ?? name;
        }),
    ),
  GATEHOUSE_BREACHED_PASSWORDS_URL: z
    .url({ protocol: /^https?$/, abort: true })
    .refine((text) => /^https?:\/\/[^?#@]+$/.test(text), "must have no query, fragment or password")
    .optional(),
  GATEHOUSE_COMPILED_READS: flag.default(true),
  GATEHOUSE_MAX_DEPTH: positive.default(15),
  GATEHOUSE_MAX_ALIASES: positive.default(50),
  GATEHOUSE_MAX_COST: positive.default(10_000),
});

const PROVIDERS = ["GITHUB", "GOOGLE"] as const;
const settings = plainSettings.superRefine((data, ctx) => {
  for (const name of PROVIDERS) {
    const id = `GATEHOUSE_${name}_CLIENT_ID` as const;
    const secret = `GATEHOUSE_${name}_CLIENT_SECRET` as const;
    if (Boolean(data[id]) === Boolean(data[secret])) continue;
    const [missing, given] = data[id] ? [secret, id] : [id, secret];
    ctx.addIssue({ code: "custom", path: [missing], message: `required with ${given}` });
  }
});

export interface Config {
  production: boolean;
  port: number;
  host: string;
  /** Null: the embedded database. */
  databaseUrl: string | null;
  migrationUrl: string | null;
  poolSize: number;
  publicUrl: string;
  /** Where the links in mails lead: the frontend. */
  appUrl: string;
  /** How people know the service. */
  name: string;
  /** The first encrypts; null: a key in the data directory. */
  encryptionKeys: EncryptionKeys | null;
  /** Null: nobody signs in through them. */
  github: ProviderSettings | null;
  google: ProviderSettings | null;
  /** Null: mails become files in the data directory. */
  smtpUrl: string | null;
  mailFrom: string;
  dataDirectory: string;
  demo: boolean;
  logLevel: string;
  trustedProxies: string[];
  /** Hosts that may be at addresses that are not public, as URLs write them. */
  outboundPrivateHosts: string[];
  /** Where passwords are looked up that are in known breaches; null for nowhere. */
  breachedPasswordsUrl: string | null;
  /** Whether queries become one statement, or are all left to their resolvers. */
  compiledReads: boolean;
  limits: { maxDepth: number; maxAliases: number; maxCost: number };
}

/** A host without a port, as URLs write it: in lower case, in ASCII; null for anything else. */
function hostFrom(name: string): string | null {
  if (!URL.canParse(`https://${name}`)) return null;
  const { href, hostname } = new URL(`https://${name}`);
  return href === `https://${hostname}/` && !hostname.includes("*") ? hostname : null;
}

export type EncryptionKeys = readonly [EncryptionKey, ...EncryptionKey[]];

/** Keys as `id:base64`, the current one first; or what is wrong with them, which quotes none. */
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
    return "takes keys such as 2026a:BASE64, the current one first, with spaces or commas between";
  }
  const all: EncryptionKeys = [first, ...(others as EncryptionKey[])];
  const short = all.find(({ key }) => key.length !== KEY_BYTES);
  if (short)
    return `the key "${short.id}" must have ${KEY_BYTES} bytes, such as \`openssl rand -base64 32\` makes`;
  if (new Set(all.map(({ id }) => id)).size < all.length) return "two keys have the same id";
  return all;
}

/** What keeps a start from happening and is for whoever starts it to put right. */
export class CannotStart extends Error {}

/** The environment says something that can't be meant. Each line names a setting. */
export class BadConfiguration extends CannotStart {
  constructor(problems: string[]) {
    super(["The configuration can't be used:", ...problems.map((line) => `  ${line}`)].join("\n"));
  }
}

/** Reads the environment, once. @throws BadConfiguration that names every setting at fault. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  // An empty variable is how compose files and shells say "not set".
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const { data, error } = settings.safeParse(given);
  if (error) {
    throw new BadConfiguration(
      error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
    );
  }
  const production = data.NODE_ENV === "production";
  if (production) assertFitForProduction(data);
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
    compiledReads: data.GATEHOUSE_COMPILED_READS,
    limits: {
      maxDepth: data.GATEHOUSE_MAX_DEPTH,
      maxAliases: data.GATEHOUSE_MAX_ALIASES,
      maxCost: data.GATEHOUSE_MAX_COST,
    },
  };
}

/** A provider through which people sign in; null where the operator has none there. */
function provider(
  name: (typeof PROVIDERS)[number],
  data: z.output<typeof settings>,
  url: string,
): ProviderSettings | null {
  const clientId = data[`GATEHOUSE_${name}_CLIENT_ID`];
  const clientSecret = data[`GATEHOUSE_${name}_CLIENT_SECRET`];
  return clientId && clientSecret ? { clientId, clientSecret, url } : null;
}

function assertFitForProduction(data: z.output<typeof settings>): void {
  const problems: string[] = [];
  if (!data.DATABASE_URL) {
    problems.push("DATABASE_URL: required in production; the embedded database is for trying out");
  }
  if (!data.GATEHOUSE_PUBLIC_URL) {
    problems.push("GATEHOUSE_PUBLIC_URL: required in production, such as https://id.example.com");
  } else if (!data.GATEHOUSE_PUBLIC_URL.startsWith("https://")) {
    problems.push("GATEHOUSE_PUBLIC_URL: must be https in production");
  }
  if (!data.GATEHOUSE_SMTP_URL) {
    problems.push(
      "GATEHOUSE_SMTP_URL: required in production, such as smtps://user:pass@mail.example.com",
    );
  }
  if (data.GATEHOUSE_BREACHED_PASSWORDS_URL?.startsWith("http://")) {
    problems.push("GATEHOUSE_BREACHED_PASSWORDS_URL: must be https in production");
  }
  if (!data.GATEHOUSE_ENCRYPTION_KEYS) {
    problems.push(
      "GATEHOUSE_ENCRYPTION_KEYS: required in production, such as 2026a:BASE64 " +
        "with what `openssl rand -base64 32` makes",
    );
  }
  for (const name of ["GATEHOUSE_GITHUB_URL", "GATEHOUSE_GOOGLE_ISSUER"] as const) {
    if (!data[name].startsWith("https://")) problems.push(`${name}: must be https in production`);
  }
  if (data.GATEHOUSE_DEMO) {
    problems.push("GATEHOUSE_DEMO: must not be on in production; its password is printed");
  }
  if (problems.length) throw new BadConfiguration(problems);
}
