import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, readConfig } from "./config";
import { Database } from "../database/database";
import { openDataSource } from "../database/dataSource";
import { grantsAdvice, pendingMigrations } from "../database/migrate";
import { sql } from "../database/sql";
import { assertMade, openDatabase } from "./openDatabase";
import { verifySmtp } from "../mails/mailer";
import { type KeyInUse, keysInUse } from "../operations/authenticators/rotateKeys";
import { keyFile, openServices } from "./openServices";
import { reasonOf, sentence } from "./problems";
import type { Stop } from "./stopping";

/** A check of something that a server needs. */
interface Check {
  name: string;
  /** Probable mistakes that it has found and that do not make it fail. */
  warnings?: string[];
  /** The check that this one depends on. */
  after?: string;
  /** Returns in a few words what it has found. @throws Error that says what is wrong and what to do. */
  verify: () => Promise<string> | string;
}

/** All checks, in order. A check may use what an earlier one has opened. */
function checks(env: NodeJS.ProcessEnv, stops: Stop[]): Check[] {
  let config: Config;
  let urls: { serveUrl: string; migrateUrl: string };
  let db: Database;
  const warnings: string[] = [];
  return [
    {
      name: "settings",
      warnings,
      verify() {
        config = readConfig(env);
        warnings.push(...config.warnings);
        const { production, publicUrl } = config;
        return `${production ? "for production" : "for development"}, at ${publicUrl}`;
      },
    },
    {
      name: "database",
      after: "settings",
      async verify() {
        assertMade(config);
        urls = await openDatabase(config, { stops, log: () => undefined });
        const source = await advised(
          openDataSource({ url: urls.serveUrl, as: "migrate", poolSize: 1 }).initialize(),
          "Is it running, and is DATABASE_URL right?",
        );
        stops.push(() => source.destroy());
        const [found] = await source.query<{ version: string; number: number; encoding: string }[]>(
          `select current_setting('server_version') as version,
             current_setting('server_version_num')::int as number,
             current_setting('server_encoding') as encoding`,
        );
        const { version, number, encoding } = found!;
        if (number < 150_000) throw new Error(`This is PostgreSQL ${version}. Use 15 or newer.`);
        if (encoding !== "UTF8") {
          throw new Error(
            `Its encoding is ${encoding}. Create the database again with the encoding UTF8.`,
          );
        }
        return `PostgreSQL ${version}`;
      },
    },
    {
      name: "migrations",
      after: "database",
      async verify() {
        const { pending, grants } = await advised(
          pendingMigrations(urls.migrateUrl),
          "Set DATABASE_MIGRATION_URL to the owner of the tables.",
        );
        if (!pending.length) return "up to date";
        const missing = `${pending.length} ${pending.length === 1 ? "is" : "are"} missing.`;
        throw new Error(
          grants.length
            ? `${missing} ${grantsAdvice(grants)} Then run \`npm run migrate\`.`
            : `${missing} Run \`npm run migrate\`.`,
        );
      },
    },
    {
      name: "serving role",
      after: "migrations",
      async verify() {
        const source = openDataSource({ url: urls.serveUrl, as: "serve", poolSize: 2 });
        db = new Database(await advised(source.initialize(), ROLE));
        stops.push(() => db.close());
        const [found] = await advised(
          db.query<{ role: string; rewrites: boolean; mails: boolean }>(sql`
            select current_user as role, has_table_privilege('events', 'update') as rewrites,
              has_schema_privilege('graphile_worker', 'usage') as mails`),
          ROLE,
        );
        const { role, rewrites, mails } = found!;
        if (rewrites)
          throw new Error(`${role} may change events. Revoke that right: no program needs it.`);
        if (!mails) throw new Error(`${role} may not queue mails. ${ROLE}`);
        return role;
      },
    },
    {
      name: "keys",
      after: "serving role",
      async verify() {
        const { encryptionKeys, dataDirectory } = config;
        if (!encryptionKeys && !existsSync(keyFile(dataDirectory))) {
          throw new Error(
            `There is no key in ${dataDirectory} yet. Run \`npm start\` or \`create-administrator\`, which create one, or set GATEHOUSE_ENCRYPTION_KEYS.`,
          );
        }
        const { keyring } = await openServices(config);
        const inUse = await keysInUse(db, keyring);
        const wrong = inUse.filter(({ state }) => state !== "opens");
        if (wrong.length) throw new Error(wrong.map(keyProblem).join(" "));
        const used = inUse.map(({ keyId, count }) => `${secrets(count)} under "${keyId}"`);
        return [`"${keyring.currentId}" encrypts`, ...used].join("; ");
      },
    },
    ...(["github", "google"] as const).map((name) => ({
      name,
      after: "settings",
      verify: () =>
        config[name]
          ? `on, its callback URL is ${config.publicUrl}/sign-in/${name}/callback`
          : `off: GATEHOUSE_${name.toUpperCase()}_CLIENT_ID is not set`,
    })),
    {
      name: "explorer",
      after: "settings",
      verify: () =>
        config.explorer
          ? `on: browsers get it at ${config.publicUrl}/graphql (GATEHOUSE_EXPLORER)`
          : "off: browsers get an error that says how to ask (GATEHOUSE_EXPLORER)",
    },
    {
      name: "mail",
      after: "settings",
      async verify() {
        const { smtpUrl, dataDirectory } = config;
        if (!smtpUrl) return `no server: mails are files in ${join(dataDirectory, "mail")}`;
        const { host } = new URL(smtpUrl);
        await advised(verifySmtp(smtpUrl), `Check GATEHOUSE_SMTP_URL (${host}).`);
        return `${host} accepts the connection`;
      },
    },
  ];
}

/**
 * Checks that a server can start and serve. It prints a line for each check: the result, and what to do
 * where it fails. It changes nothing. Returns whether all checks pass.
 */
export async function check(
  env: NodeJS.ProcessEnv,
  stops: Stop[],
  say: (line: string) => void,
): Promise<boolean> {
  const failed = new Set<string>();
  for (const { name, warnings = [], after, verify } of checks(env, stops)) {
    const tell = (state: string, text: string) =>
      say(`${name.padEnd(14)}${state.padEnd(9)}${inLine(text)}`);
    if (after && failed.has(after)) {
      failed.add(name);
      tell("skipped", `It needs the check of the ${after}, which failed.`);
      continue;
    }
    try {
      tell("ok", await verify());
      for (const warning of warnings) tell("warning", warning);
    } catch (error) {
      failed.add(name);
      tell("failed", reasonOf(error));
    }
  }
  return failed.size === 0;
}

/** What is wrong with the secrets under a key, and what to do. */
export function keyProblem({ keyId, count, state }: KeyInUse): string {
  const are = `${secrets(count)} ${count === 1 ? "is" : "are"}`;
  switch (state) {
    case "missing":
      return `${are} encrypted with the key "${keyId}", which is not configured. Add it to GATEHOUSE_ENCRYPTION_KEYS.`;
    case "wrong":
      return `${are} encrypted with a key "${keyId}" that is not the configured one. Configure the right key with this name.`;
    case "opens":
      return `${are} still encrypted with the key "${keyId}". Restart every server with the new key first, then run this again.`;
  }
}

export const secrets = (count: number) => `${count} secret${count === 1 ? "" : "s"}`;

/** A list of problems in one line. */
const inLine = (text: string) =>
  text.replaceAll(/(?<=:)\s*\n\s*/g, " ").replaceAll(/\s*\n\s*/g, "; ");

const ROLE = 'Run `npm run migrate`; docs/configuration.md says more at "The database\'s roles".';

/** Adds to an error what to do about it. */
function advised<T>(work: Promise<T>, advice: string): Promise<T> {
  return work.catch((error: unknown) => {
    throw new Error(`${sentence(reasonOf(error))} ${advice}`, { cause: error });
  });
}
