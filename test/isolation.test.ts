import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isObjectType,
  parse,
  validate,
} from "graphql";
import type { Account } from "../src/entities/Account";
import type { Membership } from "../src/entities/Membership";
import { type PREFIX, newId } from "../src/ids";
import { createAuthtoken } from "../src/operations/credentials/createAuthtoken";
import { schema } from "../src/graphql/schema";
import { sqlAsOwner, useDatabase } from "./support/database";
import { documentsAt, inputPlaces, inputWith, type Place, places } from "./support/documents";
import {
  anAuthenticator,
  anIdentity,
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  anInvitation,
  anIPRestriction,
  as,
  aServiceUser,
  aSession,
  aUser,
  DEVELOPER,
  READER,
} from "./support/factories";
import { read, type Sender, serve, type Served } from "./support/http";

/** As deep as a page of a frontend goes: account, its members, their credentials, their owners. */
const DEPTH = 6;

type Kind = keyof typeof PREFIX;
type Ids = Record<Kind, string>;

interface World {
  account: Account;
  ids: Ids;
  administrator: Membership;
}

let server: Served;
let mine: World;
let theirs: World;
let callers: [name: string, sender: Sender][];
/** Every text of the other account that an answer might let slip. */
let foreign: string[];

/** An account with some of everything in it, made so that every text tells whose it is. */
async function aWorld(mark: string): Promise<World> {
  const account = await anAccount({ name: `Account ${mark}` });
  const person = (name: string) =>
    aUser({ name: `${name} ${mark}`, email: `${name}.${newId("User")}@${mark}.example` });
  const users = [await person("ann"), await person("ben"), await person("cleo")] as const;
  const administrator = await aMember(account, ADMINISTRATOR, { userId: users[0].id });
  const developer = await aMember(account, DEVELOPER, { userId: users[1].id });
  await aMember(account, READER, { userId: users[2].id, disabledAt: new Date() });
  const bot = await aServiceUser(account, { name: `bot ${mark}` });
  const text = { description: `description ${mark}`, metadata: `metadata ${mark}` };
  const { credential: key } = await aCredential(developer, text);
  await aCredential(bot, text);
  const invitation = await anInvitation(administrator, {
    email: `guest@${mark}.example`,
    ...READER,
  });
  const restriction = await anIPRestriction(account);
  const session = await aSession(users[0].id);
  // With an event, which names it and whoever made it.
  const { credential: authtoken } = await createAuthtoken(
    await as(administrator),
    account.id,
    text,
  );
  const [event] = await sqlAsOwner<{ id: string }>(
    "select id from events where account_id = $1 order by id limit 1",
    [account.id],
  );
  return {
    account,
    administrator,
    ids: {
      User: users[0].id,
      Session: session.id,
      Authenticator: (await anAuthenticator(users[0].id)).authenticator.id,
      Identity: (await anIdentity(users[0].id)).id,
      Account: account.id,
      Membership: developer.id,
      ServiceUser: bot.id,
      Authtoken: authtoken.id,
      ApiKey: key.id,
      Invitation: invitation.id,
      IPRestriction: restriction.id,
      OneTimeToken: newId("OneTimeToken"),
      Event: event!.id,
    },
  };
}

beforeAll(async () => {
  await useDatabase();
  server = await serve({
    env: {
      GATEHOUSE_MAX_DEPTH: "100",
      GATEHOUSE_MAX_ALIASES: "1000",
      GATEHOUSE_MAX_COST: "1000000000",
    },
  });
  mine = await aWorld("mine");
  const { account } = mine;
  const keyholder = await aMember(account, ADMINISTRATOR);
  const reader = await aMember(account, READER);
  const bot = await aServiceUser(account);
  callers = [
    ["an administrator's session", { token: (await aSession(mine.administrator.userId)).token }],
    ["an administrator's API key", { token: (await aCredential(keyholder)).secret }],
    ["a service user's API key", { token: (await aCredential(bot)).secret }],
    ["a plain reader's session", { token: (await aSession(reader.userId)).token }],
    ["nobody", {}],
  ];
  // What is theirs is younger than all that is mine: a cursor of theirs stands after it all.
  await sleep(5);
  theirs = await aWorld("theirs");
  // C7: that its owner runs the other account too gives a key nothing there.
  await aMember(theirs.account, ADMINISTRATOR, { userId: keyholder.userId });
  // Last use is noted once a minute, which would change answers on the way.
  await sqlAsOwner("update sessions set last_used_at = now() + interval '1 hour'");
  await sqlAsOwner("update credentials set last_used_at = now() + interval '1 hour'");

  const ids = await sqlAsOwner<{ id: string }>(
    `select id from memberships where account_id = $1
     union select id from service_users where account_id = $1
     union select id from credentials where account_id = $1
     union select id from invitations where account_id = $1
     union select id from ip_restrictions where account_id = $1
     union select id from events where account_id = $1`,
    [theirs.account.id],
  );
  const users = await sqlAsOwner<{ id: string; email: string; name: string }>(
    `select id, email, name from users where email like '%@theirs.example'`,
  );
  const sessions = await sqlAsOwner<{ id: string }>(
    `select s.id from sessions s join users u on u.id = s.user_id
     where u.email like '%@theirs.example'`,
  );
  foreign = [
    theirs.account.id,
    ...[...ids, ...users, ...sessions].map(({ id }) => id),
    ...users.flatMap(({ email, name }) => [email, name]),
    ...["Account theirs", "bot theirs", "description theirs", "metadata theirs"],
    "theirs.example",
  ];
  expect(foreign.length).toBeGreaterThan(25);
});

/** An id of this kind that nothing has, as old as the given one: alike in every way but that. */
function absent(id: string): string {
  const start = id.indexOf("_") + 1 + 10; // 48 bits of time
  const random = Array.from({ length: id.length - start }, () =>
    "0123456789abcdefghjkmnpqrstvwxyz".charAt(randomInt(32)),
  );
  return id.slice(0, start) + random.join("");
}

const own = (typeName: string) => {
  const kind = ({ Member: "Membership", UserEvent: "Event" }[typeName] ?? typeName) as Kind;
  return mine.ids[kind] ?? newId("Account");
};

async function ask(sender: Sender, query: string, variables: Record<string, unknown> = {}) {
  const response = await server.app.inject({
    method: "POST",
    url: "/graphql",
    headers: sender.token ? { authorization: `Bearer ${sender.token}` } : {},
    payload: { query, variables },
  });
  return { status: response.statusCode, text: response.body, ...read(response.body) };
}

/** Everything in the database but when things were last used, and what was refused. */
async function digest(): Promise<string> {
  const tables = await sqlAsOwner<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r'
       and c.relname not in ('refusals', 'throttles') -- what is counted, whoever asks
     order by 1`,
  );
  expect(tables.length).toBeGreaterThan(10);
  const parts: string[] = [];
  for (const { name } of tables) {
    const [row] = await sqlAsOwner<{ digest: string }>(
      `select md5(coalesce(string_agg(row::text, ',' order by row::text), '')) as digest from (
         select to_jsonb(t) - array['last_used_at', 'last_used_ip'] as row from ${name} t) rows
       where coalesce(row ->> 'type', '') <> 'action_refused.v1'`,
    );
    parts.push(`${name} ${row!.digest}`);
  }
  return parts.join("\n");
}

interface Question {
  name: string;
  /** What is asked with this id in place, and for whom else to fill in. */
  ask: (sender: Sender, id: string) => ReturnType<typeof ask>;
}

const byOperation = new Map<Place["operation"], Question[]>();

/** Every place in the schema that takes an ID, with everything selected below it: written once. */
function questions(operation: Place["operation"]): Question[] {
  if (!byOperation.has(operation)) byOperation.set(operation, written(operation));
  return byOperation.get(operation)!;
}

function written(operation: Place["operation"]): Question[] {
  const taking = inputPlaces().filter(
    ({ place, type }) => place.operation === operation && getNamedType(type).name === "ID",
  );
  return taking.flatMap(({ place, arg, path, key }) => {
    const variables = `($value: ${arg.type.toString()}${
      arg.name === "filter" ? ", $first: Int! = 3" : ""
    })`;
    const page = arg.name === "filter" ? ", first: $first" : "";
    const documents = documentsAt(place, {
      args: `${arg.name}: $value${page}`,
      idOf: own,
      variables,
      depth: DEPTH,
    });
    return documents.map((document, i) => {
      expect(validate(schema, parse(document))).toEqual([]);
      return {
        name: `${place.name} ${key} ${documents.length > 1 ? i : ""}`,
        ask: (sender: Sender, id: string) =>
          ask(sender, document, { value: filled(inputWith(arg, path, id), path) }),
      };
    });
  });
}

/** What besides the id in question a mutation is told: mine where it asks for an id. */
function filled(input: unknown, [, asked]: (string | number)[]): unknown {
  if (typeof input !== "object" || !input) return input;
  const known: Record<string, string> = {
    accountId: mine.ids.Account,
    memberId: mine.ids.Membership,
    credentialId: mine.ids.ApiKey,
    name: theirs.account.name, // what it takes to delete it
  };
  return Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => {
      if (name === asked || typeof value !== "string") return [name, value];
      if (!known[name]) throw new Error(`What to give for ${name}?`);
      return [name, known[name]];
    }),
  );
}

/** A limited answer would prove nothing. */
const LIMITED = ["QUERY_TOO_COMPLEX", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"];

// `expect` costs more than a request does, and there are tens of thousands of answers.
function withoutId(answer: Awaited<ReturnType<typeof ask>>, id: string): string {
  // A cursor of another kind of row is refused by its prefix, and the answers still have to be alike.
  const limited = answer.errors.some(
    ({ message, extensions }) =>
      LIMITED.includes(extensions?.code ?? "") && !/^`(after|before)` takes a cursor/.test(message),
  );
  const failed = answer.status >= 500 || answer.text.includes("INTERNAL_SERVER_ERROR");
  if (limited || failed) throw new Error(`${answer.status} ${answer.text}`);
  return `${answer.status} ${answer.text.replaceAll(id, "<id>")}`;
}

async function compareAll(asked: Question[], sender: Sender): Promise<void> {
  for (const { name, ask } of asked) {
    for (const [kind, id] of Object.entries(theirs.ids)) {
      const other = absent(id);
      const about = `${name} with a ${kind}`;
      const found = withoutId(await ask(sender, id), id);
      const missed = withoutId(await ask(sender, other), other);
      const slipped = foreign.filter((text) => found.includes(text));
      if (found === missed && slipped.length === 0) continue;
      expect({ about, found, slipped }).toEqual({ about, found: missed, slipped: [] });
    }
  }
}

const CALLERS = [
  "an administrator's session",
  "an administrator's API key",
  "a service user's API key",
  "a plain reader's session",
  "nobody",
] as const;
const senderOf = (name: string) => callers.find(([caller]) => caller === name)![1];

it("Y3: takes IDs in all the places that the test walks", () => {
  // Not less than this; more come by themselves.
  const names = [...questions("query"), ...questions("mutation")].map(({ name }) => name);
  for (const part of [
    "Query.node",
    "Query.account",
    "Account.credentials CredentialFilter.ownerId",
    "Account.events EventFilter.principalId",
    "Account.events EventFilter.objectId",
    "Account.members Account.members.after",
    "Account.members Account.members.before",
    "Member.credentials",
    "ServiceUser.credentials",
    "Viewer.sessions",
    "Viewer.events",
    "CreateApiKeyInput.ownerId",
    "CreateApiKeyInput.accountId",
    "DisableMemberInput.memberId",
    "DeleteAccountInput.accountId",
    "RevokeCredentialInput.credentialId",
  ]) {
    expect(names.filter((name) => name.includes(part))).not.toEqual([]);
  }
});

describe.each(CALLERS)("for %s", (name) => {
  it("Y3, M2: tells nothing of another account's IDs, wherever a query takes one", async () => {
    const before = await digest();
    await compareAll(questions("query"), senderOf(name));
    expect(await digest()).toBe(before);
  }, 300_000);

  it("Y3, M2: does nothing with another account's IDs, wherever a mutation takes one", async () => {
    const before = await digest();
    await compareAll(questions("mutation"), senderOf(name));
    expect(await digest()).toBe(before);
  }, 120_000);

  it("Y3, M2: shows nothing of another account in all there is to see", async () => {
    const sender = senderOf(name);
    let seen = "";
    for (const place of everything()) {
      for (const document of documentsAt(place, {
        args: (typeName) => argsFor(place, typeName),
        idOf: own,
        depth: DEPTH,
      })) {
        const answer = await ask(sender, document);
        seen += withoutId(answer, "none");
        const slipped = foreign.filter((text) => answer.text.includes(text));
        if (slipped.length) expect({ document, slipped }).toEqual({ document, slipped: [] });
      }
    }
    // It would prove nothing of a caller who sees nothing.
    if (name !== "nobody") expect(seen).toContain("description mine");
    if (name === "an administrator's session") expect(seen).toContain("guest@mine.example");
  }, 60_000);
});

/** Every root field and every list, once. */
function everything(): Place[] {
  const viewer = schema.getQueryType()!.getFields()["viewer"]!;
  const root: Place = {
    operation: "query",
    name: "Query.viewer",
    steps: [{ parent: schema.getQueryType()!, field: viewer }],
    field: viewer,
  };
  return [root, ...places().filter(({ operation }) => operation === "query")];
}

function argsFor({ field }: Place, typeName: string): string {
  return field.args
    .flatMap(({ name, type }) => {
      if (name === "first") return ["first: 100"];
      if (name === "id") return [`id: "${own(typeName)}"`];
      const bare = getNullableType(type);
      return isInputObjectType(bare) || isObjectType(bare) ? [`${name}: {}`] : [];
    })
    .join(", ");
}
