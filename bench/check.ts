import { isDeepStrictEqual } from "node:util";
import type { Client } from "pg";
import type { Seeded } from "./seed";
import type { Server } from "./servers";
import { type Ask, bodyOf, type Work, WORKS } from "./works";

const ACCOUNTS_READ = 5;
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)$/;

interface Answer {
  data: Record<string, { member: { id: string; status: string; disabledAt: string | null } }>;
}

/**
 * Nothing is measured unless all servers do the same: equal data for reads, and for writes the
 * same change of the row and the same event. @throws Error that says who differs.
 */
export async function check(
  servers: Server[],
  works: Work[],
  seeded: Seeded,
  client: Client,
): Promise<void> {
  for (const account of seeded.accounts.slice(0, ACCOUNTS_READ)) {
    const only = { accounts: [account] };
    for (const work of works) {
      if (work === WORKS.write) continue;
      const [ask] = work.turn(only, 0) as [Ask];
      const asked = servers.filter(({ name }) => work.servers.includes(name));
      await sameFromAll(asked, ask.operation, (server) => read(server, ask));
    }
    if (!works.includes(WORKS.write)) continue;
    const [disable, enable] = WORKS.write.turn(only, 0) as [Ask, Ask];
    const events = new Map<Server, unknown[]>();
    for (const server of servers.filter(({ name }) => WORKS.write.servers.includes(name))) {
      const disabled = await write(server, disable, client);
      const enabled = await write(server, enable, client);
      events.set(server, [disabled, enabled]);
    }
    await sameFromAll([...events.keys()], "the events", async (server) => events.get(server));
  }
}

async function sameFromAll(
  servers: Server[],
  what: string,
  ask: (server: Server) => Promise<unknown>,
): Promise<void> {
  const [reference, ...others] = servers as [Server, ...Server[]];
  const expected = await ask(reference);
  for (const server of others) {
    const found = await ask(server);
    if (isDeepStrictEqual(found, expected)) continue;
    const texts = [expected, found].map((value) => JSON.stringify(value).slice(0, 2_000));
    throw new Error(`${what}: ${reference.name} and ${server.name} differ.\n${texts.join("\n")}`);
  }
}

/** The data of an answer, with moments as such: not everyone writes them in one way. */
async function read(server: Server, ask: Ask): Promise<unknown> {
  const { data } = await post(server, ask);
  return JSON.parse(JSON.stringify(data), (_, value: unknown) =>
    typeof value === "string" && MOMENT.test(value) ? Date.parse(value) : value,
  );
}

/** The event of a write, without what differs from one request to the next. */
async function write(server: Server, ask: Ask, client: Client): Promise<unknown> {
  const { memberId } = ask.variables["input"] as { memberId: string };
  const { data } = await post(server, ask);
  const { member } = Object.values(data)[0]!;
  const { rows } = await client.query<Record<string, unknown>>(
    `select e.type, e.principal_kind, e.principal_id, e.principal_subject, e.surface,
       e.credential_id, e.session_id, e.object_id, e.ip, e.user_agent, e.decision,
       e.object - 'disabledAt' as object, e.changes,
       m.disabled_at is not distinct from ($3::timestamptz) as written
     from memberships m join events e on e.account_id = m.account_id and e.object_id = m.id
     where m.id = $1 and e.type = $2 order by e.id desc limit 1`,
    [memberId, `member_${ask.operation.toLowerCase()}d.v1`, member.disabledAt],
  );
  const [event] = rows;
  const { changes, written, ...rest } = event ?? {};
  const [was, is] = (changes as { disabledAt: [string | null, string | null] }).disabledAt;
  const status = ask.operation === "Disable" ? "DISABLED" : "ACTIVE";
  if (!event || !written || is !== member.disabledAt || status !== member.status) {
    throw new Error(`${ask.operation}: ${server.name} did not write what it answered.`);
  }
  return { ...rest, wasDisabled: was !== null };
}

async function post({ name, port }: Server, ask: Ask): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "bench",
      authorization: `Bearer ${ask.key}`,
    },
    body: bodyOf(ask),
  });
  const text = await response.text();
  if (!text.startsWith(ask.expects)) throw new Error(`${ask.operation}: ${name} answered ${text}`);
  return JSON.parse(text) as Answer;
}
