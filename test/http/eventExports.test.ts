import { setTimeout as sleep } from "node:timers/promises";
import { Database } from "../../src/database/database";
import { openDataSource } from "../../src/database/dataSource";
import { Event, PrincipalKind } from "../../src/entities/Event";
import { firstIdAt, newId } from "../../src/ids";
import { db, sqlAsOwner, url, useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  aServiceUser,
  aSession,
  DEVELOPER,
  MANAGER,
} from "../support/factories";
import { headersOf, read, type Sender, serve, type Served } from "../support/http";

let server: Served;

beforeAll(async () => {
  await useDatabase();
  server = await serve();
});

/** Everything a page of the export reads at once. */
const PAGE = 500;

function anEvent(account: { id: string }, at: Date, fields: Partial<Event> = {}): Event {
  return Object.assign(new Event(), {
    accountId: account.id,
    id: firstIdAt("Event", at),
    type: "account_updated.v1",
    occurredAt: at,
    principalKind: PrincipalKind.USER,
    principalId: newId("User"),
    principalSubject: "someone@example.com",
    surface: null,
    credentialId: null,
    sessionId: null,
    objectId: account.id,
    object: {},
    changes: {},
    decision: { action: "update", allowed: true, rule: null, roles: [], methods: [] },
    ip: null,
    userAgent: null,
    requestId: null,
    ...fields,
  });
}

async function put(...events: Event[]): Promise<Event[]> {
  await db.query(db.table(Event).insertion(events));
  return events;
}

async function anAccountWithAdministrator() {
  const account = await anAccount();
  const admin = await aMember(account, ADMINISTRATOR);
  const { id: sessionId, token } = await aSession(admin.userId);
  return { account, admin, sessionId, who: { token } satisfies Sender };
}

const path = ({ id }: { id: string }, query: Record<string, string> = {}) =>
  `/accounts/${id}/events?${new URLSearchParams(query).toString()}`;

async function exported(who: Sender, account: { id: string }, query: Record<string, string> = {}) {
  const response = await server.fetch(path(account, query), { headers: headersOf(who) });
  const text = await response.text();
  return { status: response.status, type: response.headers.get("content-type"), text };
}

interface Exported {
  id: string;
  type: string;
  [key: string]: unknown;
}

const parsed = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Exported);

async function idsFor(who: Sender, account: { id: string }, query: Record<string, string> = {}) {
  const answer = await exported(who, account, query);
  expect(answer.status).toBe(200);
  return parsed(answer.text).map(({ id }) => id);
}

/** RFC 4180, read by its own words: quoted fields, doubled quotes, lines and commas inside. */
function csvRows(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let i = 0; i < text.length;) {
    let cell = "";
    if (text[i] === '"') {
      for (i++; ; i++) {
        if (i >= text.length) throw new Error("A quoted field never ends");
        if (text[i] !== '"') cell += text[i];
        else if (text[i + 1] === '"') cell += text[i++];
        else break;
      }
      i++;
    } else {
      while (i < text.length && text[i] !== "," && text[i] !== "\n") cell += text[i++];
    }
    rows.at(-1)!.push(cell);
    if (text[i] === ",") i++;
    else if (text[i] === "\n") {
      i++;
      if (i < text.length) rows.push([]);
    } else if (i < text.length) throw new Error(`Neither comma nor line at ${i}`);
  }
  return rows;
}

describe("whole", () => {
  it("E4: exports every event once, oldest first, over several pages, in either format", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const start = Date.now() - 3_600_000;
    const many = Array.from({ length: 2 * PAGE + 203 }, (_, i) =>
      anEvent(account, new Date(start + i)),
    );
    await put(...many);
    const ids = many.map(({ id }) => id);

    const ndjson = await exported(who, account);
    const csv = await exported(who, account, { format: "csv" });

    expect(ndjson).toMatchObject({ status: 200, type: "application/x-ndjson" });
    expect(parsed(ndjson.text).map(({ id }) => id)).toEqual(ids);
    expect(ndjson.text.endsWith("\n")).toBe(true);
    expect(csv).toMatchObject({ status: 200, type: "text/csv; charset=utf-8" });
    const [header, ...rows] = csvRows(csv.text);
    expect(header![0]).toBe("id");
    expect(rows.map(([id]) => id)).toEqual(ids);
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([header!.length]));
  });

  it.each([0, 1, PAGE - 1, PAGE, PAGE + 1])("E4: exports %i events whole", async (count) => {
    const { account, who } = await anAccountWithAdministrator();
    const start = Date.now() - 3_600_000;
    const events = Array.from({ length: count }, (_, i) => anEvent(account, new Date(start + i)));
    if (count) await put(...events);
    expect(await idsFor(who, account)).toEqual(events.map(({ id }) => id));
  });

  it("E2, E4: shows an event as the graph does", async () => {
    const { account, who } = await anAccountWithAdministrator();
    await server.ask(
      `mutation ($id: ID!) { updateAccount(input: { accountId: $id, name: "New" }) { userErrors { code } } }`,
      { id: account.id },
      who,
    );
    const { data } = await server.ask<{ account: { events: { nodes: Exported[] } } }>(
      `query ($id: ID!) { account(id: $id) { events { nodes {
        id type occurredAt objectId object changes decision ip userAgent requestId
        principal { id kind subject surface credentialId sessionId }
      } } } }`,
      { id: account.id },
      who,
    );
    expect(parsed((await exported(who, account)).text)).toEqual(data!.account.events.nodes);
  });
});

describe("what the caller may read", () => {
  it("Y1, E4: gives administrators and team managers all, and everyone else their own", async () => {
    const { account, admin, who } = await anAccountWithAdministrator();
    const manager = await aMember(account, MANAGER);
    const developer = await aMember(account, DEVELOPER);
    const bot = await aServiceUser(account);
    const at = (minute: number) => new Date(Date.now() - 3_600_000 + minute * 60_000);
    const admins = anEvent(account, at(1), { principalId: admin.userId });
    const developers = anEvent(account, at(2), { principalId: developer.userId });
    const bots = anEvent(account, at(3), { principalId: bot.id });
    const all = (await put(admins, developers, bots)).map(({ id }) => id);
    const byKey = async (owner: Parameters<typeof aCredential>[0]) => ({
      token: (await aCredential(owner)).secret,
    });

    expect(await idsFor(who, account)).toEqual(all);
    expect(await idsFor(await byKey(admin), account)).toEqual(all);
    expect(await idsFor(await byKey(manager), account)).toEqual(all);
    expect(await idsFor(await byKey(developer), account)).toEqual([developers.id]);
    expect(await idsFor(await byKey(bot), account)).toEqual([bots.id]);
    // No filter shows more than the rules do.
    expect(await idsFor(await byKey(developer), account, { principalId: admin.userId })).toEqual(
      [],
    );
  });

  it("Y3, M2: answers alike for another's account and for none, in either format", async () => {
    const { who } = await anAccountWithAdministrator();
    const other = await anAccountWithAdministrator();
    await put(anEvent(other.account, new Date()));
    for (const format of ["ndjson", "csv"]) {
      const theirs = await exported(who, other.account, { format });
      const none = await exported(who, { id: newId("Account") }, { format });
      expect(theirs.status).toBe(404);
      expect(read(theirs.text).codes).toEqual(["NOT_FOUND"]);
      const blank = (text: string) => text.replace(/ac_\w+/g, "<id>");
      expect(blank(theirs.text)).toBe(blank(none.text));
    }
  });

  it("C7: keeps a key to its own account, though its owner is in the other", async () => {
    const { account, admin } = await anAccountWithAdministrator();
    const other = await anAccount();
    const there = await aMember(other, ADMINISTRATOR, { userId: admin.userId });
    const answer = await exported({ token: (await aCredential(there)).secret }, account);
    expect(answer.status).toBe(404);
  });

  it("M4: gives nothing to nobody, to a bad token, and to a disabled member", async () => {
    const { account } = await anAccountWithAdministrator();
    await put(anEvent(account, new Date()));
    const disabled = await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });
    const { token } = await aSession(disabled.userId);
    const { secret } = await aCredential(disabled);
    const codes = async (who: Sender) => {
      const { status, text } = await exported(who, account);
      return [status, read(text).codes];
    };
    expect(await codes({})).toEqual([401, ["UNAUTHENTICATED"]]);
    expect(await codes({ token: "nonsense" })).toEqual([401, ["UNAUTHENTICATED"]]);
    expect(await codes({ token })).toEqual([403, ["MEMBER_DISABLED"]]);
    expect(await codes({ token: secret })).toEqual([403, ["MEMBER_DISABLED"]]);
  });
});

describe("parameters", () => {
  it("E4: filters by type, principal, object, address and time, as lists do", async () => {
    const { account, admin, who } = await anAccountWithAdministrator();
    const at = (minute: number) => new Date(Date.parse("2026-01-15T12:00:00Z") + minute * 60_000);
    const [a, b, c] = (await put(
      anEvent(account, at(0), { type: "member_disabled.v1", ip: "203.0.113.9" }),
      anEvent(account, at(10), { type: "member_enabled.v1", objectId: admin.id }),
      anEvent(account, at(20), { principalId: admin.userId, ip: "2001:db8::7" }),
    )) as [Event, Event, Event];
    const find = (query: Record<string, string>) => idsFor(who, account, query);

    expect(await find({ types: "member_disabled.v1" })).toEqual([a.id]);
    expect(await find({ types: "member_disabled.v1,member_enabled.v1" })).toEqual([a.id, b.id]);
    expect(await find({ objectId: admin.id })).toEqual([b.id]);
    expect(await find({ principalId: admin.userId })).toEqual([c.id]);
    expect(await find({ ip: "203.0.113.0/24" })).toEqual([a.id]);
    expect(await find({ ip: "2001:db8::/64" })).toEqual([c.id]);
    expect(await find({ from: at(10).toISOString() })).toEqual([b.id, c.id]);
    expect(await find({ until: at(10).toISOString() })).toEqual([a.id]);
    expect(await find({ from: "2026-01-15T13:10:00+01:00", until: at(20).toISOString() })).toEqual([
      b.id,
    ]);
  });

  it.each([
    ["format", "format=xml"],
    ["format", "format="],
    ["format", "format=csv&format=ndjson"],
    ["follow", "follow=yes"],
    ["follow", "follow=1"],
    ["types", `types=${"a".repeat(5_000)}`],
    ["types", "types=%00"],
    ["principalId", "principalId=%00"],
    ["principalId", `principalId=${"a".repeat(65)}`],
    ["objectId", "objectId=x"],
    ["objectId", "objectId="],
    ["ip", "ip=here"],
    ["ip", "ip=10.0.0.0/23"],
    ["ip", "ip=10.0.0.0/33"],
    ["ip", "ip=010.0.0.1"],
    ["ip", "ip="],
    ["ip", `ip=${"1".repeat(65)}`],
    ["from", "from=yesterday"],
    ["from", "from=2026-01-15"],
    ["from", "from=2026-01-15T12:00:00"],
    ["from", "from=2026-02-30T12:00:00Z"],
    ["until", "until=5"],
    ["until", "until="],
    ["after", "after="],
    ["after", "after=x"],
    ["after", "after=now"],
    ["after", "after=ac_01m85e5wdee4d90dqhym8b444q"],
    ["limit", "limit=10"],
    ["types[]", "types[]=a"],
  ])("Bad input: names `%s` as at fault in ?%s", async (field, query) => {
    const { account, who } = await anAccountWithAdministrator();
    const response = await server.fetch(`/accounts/${account.id}/events?${query}`, {
      headers: headersOf(who),
    });
    const { codes, errors } = read(await response.text());
    expect([response.status, codes]).toEqual([400, ["BAD_USER_INPUT"]]);
    expect(errors[0]!.extensions!["field"]).toEqual([field]);
    expect(errors[0]!.message).toContain(field.replace("[]", ""));
    expect(errors[0]!.message.length).toBeLessThan(300);
  });

  it.each([
    "%00",
    "ac_%00",
    "ac_",
    "..%2f..",
    "%ff",
    "x".repeat(90),
    "ac_00000000000000000000000000%20",
  ])("Bad input: finds no account %s", async (id) => {
    const { who } = await anAccountWithAdministrator();
    const response = await server.fetch(`/accounts/${id}/events`, { headers: headersOf(who) });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(read(await response.text()).errors).toHaveLength(1);
  });
});

describe("the file", () => {
  it.each(["ndjson", "csv"])("has a name for browsers: %s", async (format) => {
    const { account, who } = await anAccountWithAdministrator();
    const { headers } = await server.fetch(path(account, { format }), { headers: headersOf(who) });
    expect(headers.get("content-disposition")).toBe(
      `attachment; filename="${account.id}-events.${format}"`,
    );
  });

  it("begins after an event, where one is named", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const start = Date.now() - 3_600_000;
    const many = Array.from({ length: PAGE + 3 }, (_, i) => anEvent(account, new Date(start + i)));
    const ids = (await put(...many)).map(({ id }) => id);
    expect(await idsFor(who, account, { after: ids[0]! })).toEqual(ids.slice(1));
    expect(await idsFor(who, account, { after: ids.at(-2)! })).toEqual(ids.slice(-1));
    expect(await idsFor(who, account, { after: ids.at(-1)! })).toEqual([]);
  });
});

describe("a long export", () => {
  const MANY = 10 * PAGE;
  /** So large that an export waits for its reader, long before its last page. */
  async function aLongHistory(account: { id: string }) {
    const [first] = await put(
      anEvent(account, new Date(Date.now() - 3_600_000), { object: { x: "x".repeat(10_000) } }),
    );
    const { id } = first!;
    await sqlAsOwner(
      `insert into events select (jsonb_populate_record(e, jsonb_build_object('id',
        left(e.id, -5) || lpad(n::text, 5, '0')))).* from events e, generate_series(1, ${MANY}) n
        where e.account_id = $1 and e.id = $2`,
      [account.id, id],
    );
  }

  it.each<[string, string, string]>([
    ["revoked", "API_KEY", "update credentials set revoked_at = now() where account_id = $1"],
    ["ended", "SESSION", "update sessions set ended_at = now() where $1 <> '' and id = $2"],
    [
      "its member's no longer, who was disabled",
      "SESSION",
      "update memberships set disabled_at = now() where account_id = $1",
    ],
  ])(
    "E4, M4: breaks off once the token is %s, at the next page",
    async (_what, kind, statement) => {
      const { account, admin, who, sessionId } = await anAccountWithAdministrator();
      const key = { token: (await aCredential(admin)).secret };
      await aLongHistory(account);
      const response = await server.fetch(path(account), {
        headers: headersOf(kind === "SESSION" ? who : key),
      });
      expect(response.status).toBe(200);
      await sqlAsOwner(
        statement,
        statement.includes("$2") ? [account.id, sessionId] : [account.id],
      );
      let text = "";
      const reading = (async () => {
        const decoder = new TextDecoder();
        for await (const part of response.body!)
          text += decoder.decode(part as Uint8Array, { stream: true });
      })();
      // Not as if it were whole.
      await expect(reading).rejects.toThrow();
      expect(text.split("\n").length).toBeLessThan(MANY);
    },
    60_000,
  );

  it("E4, Y1: shows less from the page on at which a role was lost", async () => {
    const { account, admin, who } = await anAccountWithAdministrator();
    await aLongHistory(account);
    const [own] = await put(anEvent(account, new Date(), { principalId: admin.userId }));
    const response = await server.fetch(path(account), { headers: headersOf(who) });
    await sqlAsOwner("update memberships set administrator = false where id = $1", [admin.id]);
    const events = parsed(await response.text());
    expect(events.length).toBeLessThan(MANY);
    expect(events.at(-1)!.id).toBe(own!.id);
  }, 60_000);

  it("is not read for a HEAD, which has the headers alone", async () => {
    const { account, who } = await anAccountWithAdministrator();
    await put(anEvent(account, new Date()));
    const source = openDataSource({ url, as: "serve", poolSize: 4 });
    const database = new Database(await source.initialize());
    const reads: string[] = [];
    database.observe = (text) => text.includes("from events row") && reads.push(text);
    const own = await serve({ database });
    const ask = (sender: Sender) =>
      own.fetch(path(account, { format: "csv" }), { method: "HEAD", headers: headersOf(sender) });
    const { status, headers } = await ask(who);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(headers.get("content-disposition")).toContain("events.csv");
    expect(headers.get("content-length")).toBeNull();
    expect((await ask({ token: "nonsense" })).status).toBe(401);
    expect(reads).toEqual([]);
    own.app.server.closeAllConnections();
    await own.close();
    await database.close();
  });
});

describe("CSV", () => {
  async function cells(fields: Partial<Event>): Promise<Record<string, string>> {
    const { account, who } = await anAccountWithAdministrator();
    await put(anEvent(account, new Date(Date.now() - 60_000), fields));
    const [header, row, ...more] = csvRows((await exported(who, account, { format: "csv" })).text);
    expect(more).toEqual([]);
    return Object.fromEntries(header!.map((name, i) => [name, row![i]!]));
  }

  it.each(['say "hi"', "a,b", "two\nlines", "two\r\nlines", '",\n"', "Zoë 🐈", " spaces ", '"""'])(
    "E4: keeps %j whole",
    async (text) => {
      const { userAgent, principalSubject } = await cells({
        userAgent: text,
        principalSubject: text,
      });
      expect([userAgent, principalSubject]).toEqual([text, text]);
    },
  );

  it.each(["=1+1", "＝1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"])(
    "E4: guards against a spreadsheet that would run %j",
    async (text) => {
      const { userAgent, principalSubject } = await cells({
        userAgent: text,
        principalSubject: text,
      });
      expect([userAgent, principalSubject]).toEqual([`'${text}`, `'${text}`]);
    },
  );

  it("E2: has a column for all that an event tells, empty where there is nothing", async () => {
    const changes = { name: ['"a"', "b,c"] as [string, string] };
    const object = { name: "b,c", nested: { x: [1, null] } };
    const row = await cells({ changes, object, ip: "203.0.113.9" });
    expect(row).toMatchObject({
      type: "account_updated.v1",
      occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
      principalKind: "USER",
      ip: "203.0.113.9",
      surface: "",
      credentialId: "",
      userAgent: "",
    });
    expect(JSON.parse(row["changes"]!)).toEqual(changes);
    expect(JSON.parse(row["object"]!)).toEqual(object);
    expect(JSON.parse(row["decision"]!)).toMatchObject({ action: "update", allowed: true });
  });

  it("E4: has its header alone where nothing happened", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const { text } = await exported(who, account, { format: "csv" });
    expect(csvRows(text)).toHaveLength(1);
    expect(text.endsWith("\n")).toBe(true);
  });
});

describe("following", () => {
  /** An export that stays open, and what has come of it so far. */
  async function follow(
    who: Sender,
    account: { id: string },
    query: Record<string, string> = {},
    at = server,
  ) {
    const leaving = new AbortController();
    const response = await at.fetch(path(account, { follow: "true", ...query }), {
      headers: headersOf(who),
      signal: leaving.signal,
    });
    expect(response.status).toBe(200);
    let text = "";
    const ended = (async () => {
      const decoder = new TextDecoder();
      for await (const part of response.body!) text += decoder.decode(part as Uint8Array);
    })();
    ended.catch(() => undefined);
    return {
      text: () => text,
      ids: () => parsed(text).map(({ id }) => id),
      /** Resolves when the server has ended the answer properly; throws when it takes too long. */
      end: (ms: number) =>
        Promise.race([
          ended,
          sleep(ms, undefined, { ref: false }).then(() => {
            throw new Error(`Still open after ${ms} ms`);
          }),
        ]),
      leave: () => leaving.abort(),
    };
  }

  async function until(what: () => boolean, ms = 4_000): Promise<void> {
    for (const end = Date.now() + ms; !what() && Date.now() < end;) await sleep(25);
  }

  it("E4: sends what is there, then each event within seconds, exactly once however long it follows", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const before = await put(
      anEvent(account, new Date(Date.now() - 3_600_000)),
      anEvent(account, new Date(Date.now() - 1_000)),
    );
    const stream = await follow(who, account);
    await until(() => stream.ids().length === 2);
    expect(stream.ids()).toEqual(before.map(({ id }) => id));

    const [first] = await put(anEvent(account, new Date()));
    await until(() => stream.ids().length === 3);
    expect(stream.ids().slice(2)).toEqual([first!.id]);
    const [second] = await put(anEvent(account, new Date()));
    const expected = [...before, first!, second!].map(({ id }) => id);
    await until(() => stream.ids().length === 4);
    expect(stream.ids()).toEqual(expected);

    // It reads again what is some seconds old, for latecomers; past that, too.
    await sleep(19_000);
    expect(stream.ids()).toEqual(expected);
    stream.leave();
  }, 60_000);

  it("E4: sends an event whose transaction was slow to commit", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const stream = await follow(who, account);
    const [quick] = await put(anEvent(account, new Date()));
    await until(() => stream.ids().length === 1);
    const [late] = await put(anEvent(account, new Date(Date.now() - 6_000)));
    await until(() => stream.ids().length === 2);
    expect(stream.ids()).toEqual([quick!.id, late!.id]);
    stream.leave();
  });

  it("E4: begins after an event, and sends none before it though it reads again what is recent", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const now = Date.now();
    const [, cursor, next] = await put(
      ...[3_000, 2_000, 1_000].map((ago) => anEvent(account, new Date(now - ago))),
    );
    const stream = await follow(who, account, { after: cursor!.id });
    await until(() => stream.ids().length === 1);
    const [later] = await put(anEvent(account, new Date()));
    await until(() => stream.ids().length === 2);
    expect(stream.ids()).toEqual([next!.id, later!.id]);
    stream.leave();
  });

  it("E4: begins now, and sends nothing that was there", async () => {
    const { account, who } = await anAccountWithAdministrator();
    await put(...[3_600_000, 1_000].map((ago) => anEvent(account, new Date(Date.now() - ago))));
    const stream = await follow(who, account, { after: "now" });
    const [later] = await put(anEvent(account, new Date(Date.now() + 1)));
    await until(() => stream.ids().length > 0);
    expect(stream.ids()).toEqual([later!.id]);
    stream.leave();
  });

  it("E4: follows what the filter and the rules let through, and nothing else", async () => {
    const { account } = await anAccountWithAdministrator();
    const developer = await aMember(account, DEVELOPER);
    const { secret: token } = await aCredential(developer);
    const stream = await follow({ token }, account, { types: "account_updated.v1" });
    const now = Date.now();
    const own = { principalId: developer.userId };
    const [mine] = await put(
      anEvent(account, new Date(now), own),
      anEvent(account, new Date(now + 1), { ...own, type: "member_disabled.v1" }),
      anEvent(account, new Date(now + 2)),
    );
    await until(() => stream.ids().length > 0);
    await sleep(1_500);
    expect(stream.ids()).toEqual([mine!.id]);
    stream.leave();
  });

  it("E4: follows in CSV too, with one header", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const stream = await follow(who, account, { format: "csv" });
    const [event] = await put(anEvent(account, new Date()));
    await until(() => stream.text().includes(event!.id));
    const [header, ...rows] = csvRows(stream.text());
    expect(header![0]).toBe("id");
    expect(rows.map(([id]) => id)).toEqual([event!.id]);
    stream.leave();
  });

  /** A stream that has sent what was there, and now waits for what comes. */
  async function waiting(who: Sender, account: { id: string }) {
    const [before] = await put(anEvent(account, new Date(Date.now() - 60_000)));
    const stream = await follow(who, account);
    await until(() => stream.ids().length === 1);
    return { ...stream, late: () => stream.ids().filter((id) => id !== before!.id) };
  }

  it("E4, U9: ends when the session ends, and sends nothing that happened after", async () => {
    const { account, who, sessionId } = await anAccountWithAdministrator();
    const stream = await waiting(who, account);
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [sessionId]);
    await put(anEvent(account, new Date()));
    await stream.end(4_000);
    expect(stream.late()).toEqual([]);
  });

  it("E4, U9: ends with a browser's session, whose cookie then stands for nobody", async () => {
    const { account, who, sessionId } = await anAccountWithAdministrator();
    const stream = await waiting({ cookie: who.token }, account);
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [sessionId]);
    await put(anEvent(account, new Date()));
    await stream.end(4_000);
    expect(stream.late()).toEqual([]);
  });

  it.each<[string, string]>([
    ["is disabled", "update memberships set disabled_at = now() where id = $1"],
    ["is removed", "update memberships set removed_at = now() where id = $1"],
    [
      "sees their account deleted",
      "update accounts set deleted_at = now() where id = (select account_id from memberships where id = $1)",
    ],
  ])("E4, M4: ends when the member %s", async (_what, statement) => {
    const { account, admin, who } = await anAccountWithAdministrator();
    const stream = await waiting(who, account);
    await sqlAsOwner(statement, [admin.id]);
    await put(anEvent(account, new Date()));
    await stream.end(4_000);
    expect(stream.late()).toEqual([]);
  });

  it("E4, Y1: shows less from the moment a role is lost", async () => {
    const { account, admin, who } = await anAccountWithAdministrator();
    const stream = await waiting(who, account);
    await sqlAsOwner("update memberships set administrator = false where id = $1", [admin.id]);
    const now = Date.now();
    const [, own] = await put(
      anEvent(account, new Date(now)),
      anEvent(account, new Date(now + 1), { principalId: admin.userId }),
    );
    await until(() => stream.late().length > 0);
    await sleep(1_500);
    expect(stream.late()).toEqual([own!.id]);
    stream.leave();
  });

  /** A server with a way to the database of its own, so that nobody else's reads are counted. */
  async function aCountedServer() {
    const source = openDataSource({ url, as: "serve", poolSize: 4 });
    const database = new Database(await source.initialize());
    const reads: string[] = [];
    database.observe = (text) => text.includes("from events row") && reads.push(text);
    const own = await serve({ database });
    const done = async () => {
      // fetch has connected anew after it was told to leave, and asks nothing.
      own.app.server.closeAllConnections();
      await own.close();
      await database.close();
    };
    return { own, reads, done };
  }

  it("stops reading once nobody listens, though nothing happens to tell them", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const { own, reads, done } = await aCountedServer();
    const stream = await follow(who, account, {}, own);
    await until(() => reads.length > 2);
    expect(reads.length).toBeGreaterThan(2);
    stream.leave();
    await sleep(1_500);
    reads.length = 0;
    await sleep(2_500);
    expect(reads).toHaveLength(0);
    await done();
  });

  it("stops reading once it has answered a HEAD", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const { own, reads, done } = await aCountedServer();
    const response = await own.fetch(path(account, { follow: "true" }), {
      method: "HEAD",
      headers: headersOf(who),
    });
    expect(response.status).toBeLessThan(500);
    await sleep(1_500);
    reads.length = 0;
    await sleep(2_500);
    expect(reads).toHaveLength(0);
    await done();
  });

  it("lets the server stop: the answer ends properly, and soon", async () => {
    const { account, who } = await anAccountWithAdministrator();
    const stopping = await serve();
    const stream = await follow(who, account, {}, stopping);
    const [event] = await put(anEvent(account, new Date()));
    await until(() => stream.ids().length === 1);
    const closing = stopping.close().then(() => "closed");
    await stream.end(2_000);
    expect(stream.ids()).toEqual([event!.id]);
    expect(await Promise.race([closing, sleep(5_000, "still open", { ref: false })])).toBe(
      "closed",
    );
  });
});
