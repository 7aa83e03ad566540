import { BadConfiguration, CannotStart, readConfig } from "../../src/setup/config";

const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://db/gatehouse",
  GATEHOUSE_PUBLIC_URL: "https://id.example.com/",
  GATEHOUSE_SMTP_URL: "smtps://gatehouse:secret@mail.example.com",
  GATEHOUSE_ENCRYPTION_KEYS: `2026b:${Buffer.alloc(32, 2).toString("base64")}, 2026a:${Buffer.alloc(32, 1).toString("base64")}`,
};

it("reads production's settings", () => {
  expect(readConfig(PRODUCTION)).toMatchObject({
    production: true,
    demo: false,
    publicUrl: "https://id.example.com",
    port: 4000,
    databaseUrl: PRODUCTION.DATABASE_URL,
    migrationUrl: PRODUCTION.DATABASE_URL,
  });
});

it("needs no setting at all to be tried out", () => {
  expect(readConfig({})).toEqual({
    production: false,
    port: 4000,
    host: "localhost",
    databaseUrl: null,
    migrationUrl: null,
    poolSize: 10,
    publicUrl: "http://localhost:4000",
    appUrl: "http://localhost:4000",
    github: null,
    google: null,
    smtpUrl: null,
    mailFrom: "Gatehouse <gatehouse@localhost>",
    dataDirectory: ".gatehouse",
    demo: true,
    logLevel: "info",
    trustedProxies: [],
    outboundPrivateHosts: [],
    breachedPasswordsUrl: null,
    explorer: true,
    compiledReads: true,
    name: "Gatehouse",
    encryptionKeys: null,
    limits: { maxDepth: 15, maxAliases: 50, maxCost: 10_000 },
    warnings: [],
  });
});

it("T7: reads encryption keys, the first of which encrypts", () => {
  expect(readConfig(PRODUCTION).encryptionKeys).toEqual([
    { id: "2026b", key: Buffer.alloc(32, 2) },
    { id: "2026a", key: Buffer.alloc(32, 1) },
  ]);
});

const KEY = Buffer.alloc(32).toString("base64");
it.each([`a:${KEY} a:${KEY}`, `a:${Buffer.alloc(16).toString("base64")}`, KEY, `a b:${KEY}`, ","])(
  "T7: refuses keys that can't be meant, and quotes none: %s",
  (keys) => {
    const read = () => readConfig({ ...PRODUCTION, GATEHOUSE_ENCRYPTION_KEYS: keys });
    expect(read).toThrow(/GATEHOUSE_ENCRYPTION_KEYS/);
    expect(read).not.toThrow(KEY);
  },
);

it("reads every setting", () => {
  expect(
    readConfig({
      ...PRODUCTION,
      GATEHOUSE_NAME: "Acme",
      PORT: "0",
      HOST: "::",
      DATABASE_MIGRATION_URL: "postgresql://owner@db/gatehouse",
      DATABASE_POOL_SIZE: "500",
      GATEHOUSE_APP_URL: "https://app.example.com/start/",
      GATEHOUSE_GITHUB_CLIENT_ID: "Iv1.8a61f9b3a7aba766",
      GATEHOUSE_GITHUB_CLIENT_SECRET: "hush",
      GATEHOUSE_GITHUB_URL: "https://github.example.com/",
      GATEHOUSE_GOOGLE_CLIENT_ID: "1.apps.googleusercontent.com",
      GATEHOUSE_GOOGLE_CLIENT_SECRET: "hush hush",
      GATEHOUSE_GOOGLE_ISSUER: "https://id.example.org/tenant/",
      GATEHOUSE_MAIL_FROM: "Acme <no-reply@example.com>",
      GATEHOUSE_DATA_DIRECTORY: "/var/lib/gatehouse",
      GATEHOUSE_DEMO: "0",
      GATEHOUSE_LOG_LEVEL: "silent",
      GATEHOUSE_TRUSTED_PROXIES: "10.0.0.0/8, 2001:db8::1\n::ffff:192.0.2.1",
      GATEHOUSE_OUTBOUND_PRIVATE_HOSTS: "GitHub.corp.example, [FD00::7]\nbücher.example",
      GATEHOUSE_BREACHED_PASSWORDS_URL: "https://api.pwnedpasswords.com/",
      GATEHOUSE_MAX_DEPTH: "1",
      GATEHOUSE_MAX_ALIASES: "2",
      GATEHOUSE_EXPLORER: "true",
      GATEHOUSE_COMPILED_READS: "false",
      GATEHOUSE_MAX_COST: "3",
      SOMETHING_ELSE: "which is nobody's business",
    }),
  ).toEqual({
    production: true,
    port: 0,
    host: "::",
    databaseUrl: PRODUCTION.DATABASE_URL,
    migrationUrl: "postgresql://owner@db/gatehouse",
    poolSize: 500,
    publicUrl: "https://id.example.com",
    appUrl: "https://app.example.com/start",
    github: {
      clientId: "Iv1.8a61f9b3a7aba766",
      clientSecret: "hush",
      url: "https://github.example.com",
    },
    google: {
      clientId: "1.apps.googleusercontent.com",
      clientSecret: "hush hush",
      url: "https://id.example.org/tenant/", // an issuer is compared as it is written
    },
    smtpUrl: PRODUCTION.GATEHOUSE_SMTP_URL,
    name: "Acme",
    encryptionKeys: readConfig(PRODUCTION).encryptionKeys,
    mailFrom: "Acme <no-reply@example.com>",
    dataDirectory: "/var/lib/gatehouse",
    demo: false,
    logLevel: "silent",
    trustedProxies: ["10.0.0.0/8", "2001:db8::1", "::ffff:192.0.2.1"],
    outboundPrivateHosts: ["github.corp.example", "[fd00::7]", "xn--bcher-kva.example"],
    breachedPasswordsUrl: "https://api.pwnedpasswords.com",
    explorer: true,
    compiledReads: false,
    limits: { maxDepth: 1, maxAliases: 2, maxCost: 3 },
    warnings: [],
  });
});

it("takes an empty variable for one that is not set, as compose files write it", () => {
  const empty = { PORT: "", GATEHOUSE_DEMO: "", GATEHOUSE_TRUSTED_PROXIES: "", DATABASE_URL: "" };
  expect(readConfig(empty)).toEqual(readConfig({}));
});

it.each(["0.0.0.0", "::", "::1", "localhost", "db_1.internal", "id.example.com"])(
  "listens on %s",
  (HOST) => {
    expect(readConfig({ HOST }).host).toBe(HOST);
  },
);

it("takes lists whose items stand on lines of their own", () => {
  const list = { GATEHOUSE_TRUSTED_PROXIES: "10.0.0.1\n10.0.0.2\n" };
  expect(readConfig(list).trustedProxies).toEqual(["10.0.0.1", "10.0.0.2"]);
});

it("fills no database of somebody's own with the demo unless told to", () => {
  const { DATABASE_URL } = PRODUCTION;
  expect(readConfig({ DATABASE_URL }).demo).toBe(false);
  expect(readConfig({ DATABASE_URL, GATEHOUSE_DEMO: "true" }).demo).toBe(true);
  expect(readConfig({ GATEHOUSE_DEMO: "false" }).demo).toBe(false);
});

it.each([
  ["DATABASE_URL", undefined],
  ["DATABASE_URL", ""],
  ["DATABASE_URL", "mysql://db"],
  ["DATABASE_URL", "db.example.com"],
  ["DATABASE_MIGRATION_URL", "mysql://db"],
  ["DATABASE_POOL_SIZE", "0"],
  ["DATABASE_POOL_SIZE", "501"],
  ["DATABASE_POOL_SIZE", "many"],
  ["GATEHOUSE_PUBLIC_URL", undefined],
  ["GATEHOUSE_PUBLIC_URL", ""],
  ["GATEHOUSE_PUBLIC_URL", "http://id.example.com"],
  ["GATEHOUSE_PUBLIC_URL", "ftp://id.example.com"],
  ["GATEHOUSE_PUBLIC_URL", "id.example.com"],
  ["GATEHOUSE_APP_URL", "app.example.com"],
  ["GATEHOUSE_APP_URL", "https://app.example.com/#start"],
  ["GATEHOUSE_GITHUB_URL", "http://github.example.com"],
  ["GATEHOUSE_GITHUB_URL", "github.com"],
  ["GATEHOUSE_GITHUB_URL", "https://me:hunter2@github.example.com"],
  ["GATEHOUSE_GOOGLE_ISSUER", "http://accounts.google.com"],
  ["GATEHOUSE_GOOGLE_ISSUER", "https://accounts.google.com/?a=b"],
  ["GATEHOUSE_SMTP_URL", undefined],
  ["GATEHOUSE_SMTP_URL", "https://mail.example.com"],
  ["GATEHOUSE_DEMO", "true"],
  ["GATEHOUSE_DEMO", "1"],
  ["GATEHOUSE_DEMO", "maybe"],
  ["PORT", "99999"],
  ["PORT", "-1"],
  ["PORT", "4000.5"],
  ["PORT", "http"],
  ["PORT", " "],
  ["PORT", "0x50"],
  ["PORT", "4000\n"],
  ["HOST", "http://x"],
  ["HOST", "localhost:4000"],
  ["HOST", "[::1]"],
  ["HOST", "localhost\n"],
  ["GATEHOUSE_TRUSTED_PROXIES", "010.0.0.1"],
  ["GATEHOUSE_TRUSTED_PROXIES", "10.0.0.0/33"],
  ["GATEHOUSE_TRUSTED_PROXIES", "10.0.0.1, loadbalancer"],
  ["GATEHOUSE_OUTBOUND_PRIVATE_HOSTS", "https://github.corp.example"],
  ["GATEHOUSE_OUTBOUND_PRIVATE_HOSTS", "github.corp.example:8443"],
  ["GATEHOUSE_OUTBOUND_PRIVATE_HOSTS", "github.corp.example/api"],
  ["GATEHOUSE_OUTBOUND_PRIVATE_HOSTS", "*.corp.example"],
  ["GATEHOUSE_OUTBOUND_PRIVATE_HOSTS", "fd00::7"],
  ["GATEHOUSE_BREACHED_PASSWORDS_URL", "http://pwned.corp.example"],
  ["GATEHOUSE_BREACHED_PASSWORDS_URL", "api.pwnedpasswords.com"],
  ["GATEHOUSE_BREACHED_PASSWORDS_URL", "https://me:secret@pwned.corp.example"],
  ["GATEHOUSE_BREACHED_PASSWORDS_URL", "https://pwned.corp.example/?key=secret"],
  ["GATEHOUSE_LOG_LEVEL", "loud"],
  ["GATEHOUSE_MAX_COST", "0"],
  ["GATEHOUSE_MAX_DEPTH", "-1"],
  ["GATEHOUSE_MAX_ALIASES", "1.5"],
  ["GATEHOUSE_MAX_ALIASES", "-1.5"],
  ["GATEHOUSE_NAME", "x".repeat(65)],
  ["GATEHOUSE_NAME", "Acme\nTunnels"],
  ["GATEHOUSE_NAME", "Acme\u202eslennuT"],
  ["GATEHOUSE_PUBLIC_URL", "https://id.example.com\n"],
  ["GATEHOUSE_DATA_DIRECTORY", "data\n"],
  ["DATABASE_URL", "postgres://db.example.com/gatehouse\n"],
  ["GATEHOUSE_MAIL_FROM", "nobody"],
  ["GATEHOUSE_MAIL_FROM", "Gatehouse <nobody>"],
  ["GATEHOUSE_MAIL_FROM", "<>"],
  ["GATEHOUSE_MAIL_FROM", "ann@example.com, ben@example.com"],
  ["GATEHOUSE_MAIL_FROM", "Team: ann@example.com;"],
])("refuses %s=%s in production, naming it and nothing else", (name, value) => {
  const read = () => readConfig({ ...PRODUCTION, [name]: value });
  expect(read).toThrow(BadConfiguration);
  expect(read).toThrow(CannotStart);
  const [, ...problems] = thrownBy(read).split("\n");
  expect(problems).toEqual([expect.stringMatching(new RegExp(`^  ${name}: \\S`))]);
  // What it takes, and not how that is checked.
  expect(problems[0]).not.toMatch(/Invalid|expected|received|Too /);
});

it.each([
  ["PORT", "http", "takes a whole number from 0 to 65535, such as 4000"],
  ["DATABASE_POOL_SIZE", "0", "takes a whole number from 1 to 500, such as 10"],
  ["GATEHOUSE_MAX_COST", "0", "takes a whole number from 1, such as 10000"],
  ["GATEHOUSE_GITHUB_URL", "github.com", "such as https://github.com"],
  ["GATEHOUSE_PUBLIC_URL", "id.example.com", "such as https://id.example.com"],
  ["GATEHOUSE_SMTP_URL", "mail.example.com", "such as smtps://user:password@mail.example.com"],
  ["GATEHOUSE_MAIL_FROM", "nobody", "such as Gatehouse <no-reply@example.com>"],
  ["GATEHOUSE_LOG_LEVEL", "loud", "takes fatal, error, warn, info, debug, trace or silent"],
  ["HOST", "http://x", "takes an address or a host name, such as 0.0.0.0 or localhost"],
  ["GATEHOUSE_NAME", "a\nb", "takes one line, without control characters"],
  ["NODE_ENV", "staging", "takes development, test or production"],
  ["GATEHOUSE_TRUSTED_PROXIES", "loadbalancer", "such as 192.0.2.1 or 10.0.0.0/8"],
  ["GATEHOUSE_TRUSTED_PROXIES", "10.0.0.1/8", "such as 192.0.2.1 or 10.0.0.0/8"],
])("says of %s=%s what it takes", (name, value, said) => {
  expect(thrownBy(() => readConfig({ [name]: value }))).toContain(said);
});

it.each([
  "no-reply@example.com",
  "Acme <no-reply@example.com>",
  '"Acme, Inc." <no-reply@example.com>',
  "Bücher <post@bücher.example>",
])("sends mails from %s", (from) => {
  expect(readConfig({ GATEHOUSE_MAIL_FROM: from }).mailFrom).toBe(from);
});

it.each([
  ["GATEHOUSE_GITHUB_CLIENT_ID", "GATEHOUSE_GITHUB_CLIENT_SECRET"],
  ["GATEHOUSE_GITHUB_CLIENT_SECRET", "GATEHOUSE_GITHUB_CLIENT_ID"],
  ["GATEHOUSE_GOOGLE_CLIENT_ID", "GATEHOUSE_GOOGLE_CLIENT_SECRET"],
  ["GATEHOUSE_GOOGLE_CLIENT_SECRET", "GATEHOUSE_GOOGLE_CLIENT_ID"],
])("refuses %s alone: it names %s, and no secret", (given, missing) => {
  const problems = thrownBy(() => readConfig({ [given]: "hush" }));
  expect(problems).toContain(`  ${missing}: required with ${given}`);
  expect(problems).not.toContain("hush");
});

it("lets people sign in through plain http where it is tried out, and nowhere else", () => {
  const settings = {
    GATEHOUSE_GOOGLE_CLIENT_ID: "id",
    GATEHOUSE_GOOGLE_CLIENT_SECRET: "hush",
    GATEHOUSE_GOOGLE_ISSUER: "http://127.0.0.1:4718",
  };
  expect(readConfig(settings).google).toMatchObject({ url: "http://127.0.0.1:4718" });
  expect(() => readConfig({ ...PRODUCTION, ...settings })).toThrow("GATEHOUSE_GOOGLE_ISSUER");
});

it("names every setting at fault at once", () => {
  const problems = thrownBy(() => readConfig({ PORT: "x", GATEHOUSE_LOG_LEVEL: "loud" }));
  expect(problems).toContain("PORT: ");
  expect(problems).toContain("GATEHOUSE_LOG_LEVEL: ");
  const missing = thrownBy(() => readConfig({ NODE_ENV: "production", GATEHOUSE_DEMO: "true" }));
  for (const name of ["DATABASE_URL", "GATEHOUSE_PUBLIC_URL", "GATEHOUSE_DEMO"]) {
    expect(missing).toContain(`${name}: `);
  }
});

it("names what production refuses together with values that can't be meant", () => {
  const problems = thrownBy(() =>
    readConfig({
      ...PRODUCTION,
      GATEHOUSE_ENCRYPTION_KEYS: "2026a:c2hvcnQ=",
      GATEHOUSE_SMTP_URL: "mail.example.com",
      GATEHOUSE_PUBLIC_URL: "http://id.example.com",
      GATEHOUSE_DEMO: "true",
      GATEHOUSE_GITHUB_CLIENT_ID: "Iv1",
    }),
  );
  const names = problems.split("\n").map((line) => line.trim().split(":")[0]);
  expect(names.slice(1).sort()).toEqual([
    "GATEHOUSE_DEMO",
    "GATEHOUSE_ENCRYPTION_KEYS",
    "GATEHOUSE_GITHUB_CLIENT_SECRET",
    "GATEHOUSE_PUBLIC_URL",
    "GATEHOUSE_SMTP_URL",
  ]);
});

it("warns of a setting that does not exist, names the one that was meant, and no value", () => {
  const misspelt = { GATEHOUSE_GITHUB_CLEINT_ID: "hush", GATEHOUSE_COLOUR: "hush" };
  const said = [
    "GATEHOUSE_GITHUB_CLEINT_ID: there is no such setting. Did you mean GATEHOUSE_GITHUB_CLIENT_ID?",
    "GATEHOUSE_COLOUR: there is no such setting. docs/configuration.md lists all settings.",
  ];
  expect(readConfig({ ...misspelt, GATEHOUSE_NAMES: "" }).warnings).toEqual(said);
  const problems = thrownBy(() =>
    readConfig({ ...misspelt, GATEHOUSE_GITHUB_CLIENT_SECRET: "hush" }),
  );
  expect(problems).toContain("  GATEHOUSE_GITHUB_CLIENT_ID: required");
  expect(problems).toContain(`  ${said[0]}`);
});

it("does not warn of what Kubernetes sets for a service of its name", () => {
  const address = "tcp://10.0.0.7:4000";
  const { warnings } = readConfig({
    GATEHOUSE_SERVICE_HOST: "10.0.0.7",
    GATEHOUSE_SERVICE_PORT_HTTP: "4000",
    GATEHOUSE_PORT: address,
    GATEHOUSE_PORT_4000_TCP: address,
    GATEHOUSE_PORT_4000_TCP_ADDR: "10.0.0.7",
  });
  expect(warnings).toEqual([]);
  expect(readConfig({ GATEHOUSE_PORT: "4000" }).warnings).toHaveLength(1);
});

it.each([
  ["https://id.example.com", 0],
  ["http://localhost:5173", 0],
  ["http://gatehouse.localhost", 0],
  ["http://127.0.0.1:4000", 0],
  ["http://[::1]:4000/", 0],
  ["http://id.example.com", 1],
  ["http://localhost.example.com", 1],
  ["http://192.168.1.20:4000", 1],
])("U9: warns where browsers keep no session: %s", (url, count) => {
  const { warnings } = readConfig({ GATEHOUSE_PUBLIC_URL: url });
  expect(warnings).toHaveLength(count);
  for (const warning of warnings) expect(warning).toMatch(/^GATEHOUSE_PUBLIC_URL: /);
});

it("repeats no value that may hold a password", () => {
  const problems = thrownBy(() =>
    readConfig({
      ...PRODUCTION,
      DATABASE_URL: "mysql://app:hunter2@db/gatehouse",
      DATABASE_MIGRATION_URL: "mysql://owner:hunter2@db/gatehouse",
      GATEHOUSE_PUBLIC_URL: "ftp://me:hunter2@id.example.com",
    }),
  );
  expect(problems).not.toContain("hunter2");
});

/** docs/configuration.md: "where people and clients reach this server, without a path". */
it("refuses a public URL with a path, a query or a fragment, naming it", () => {
  for (const end of ["/gatehouse", "/?a=b", "/#top"]) {
    const read = () =>
      readConfig({ ...PRODUCTION, GATEHOUSE_PUBLIC_URL: `https://id.example.com${end}` });
    expect([end, thrownBy(read)]).toEqual([end, expect.stringContaining("GATEHOUSE_PUBLIC_URL")]);
  }
});

function thrownBy(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}
