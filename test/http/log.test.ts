import { GraphQLError } from "graphql";
import { formatError, takeCause } from "../../src/graphql/formatError";
import { loggable } from "../../src/setup/logger";
import { sql } from "../../src/database/sql";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import { ADMINISTRATOR, aCredential, aMember, anAccount, aSession } from "../support/factories";
import { serve, type Served } from "../support/http";

let resolved: Served;
let compiled: Served;
/** Where nobody is: the server goes there with a browser, and asks nothing. */
const GITHUB = {
  GATEHOUSE_GITHUB_CLIENT_ID: "client",
  GATEHOUSE_GITHUB_CLIENT_SECRET: "s3cret-of-the-app",
};

beforeAll(async () => {
  await useDatabase();
  resolved = await serve({ env: { GATEHOUSE_COMPILED_READS: "false", ...GITHUB } });
  compiled = await serve();
});

interface Line {
  level: number;
  msg: string;
  requestId?: string;
  err?: { type: string; message: string; code?: string; stack: string; cause?: object };
}
const ERROR = 50;

/** The lines at `error` of one request, and what every one of them holds. */
function errorsOf({ log }: Served, requestId: string | null): Line[] {
  return log
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.level === ERROR && line.requestId === requestId);
}

/** While a table is away, what reads it is a bug of ours. */
async function without<T>(table: string, work: () => Promise<T>): Promise<T> {
  await sqlAsOwner(`alter table ${table} rename to away`);
  try {
    return await work();
  } finally {
    await sqlAsOwner(`alter table away rename to ${table}`);
  }
}

const CAUSE = {
  err: {
    code: "42P01",
    message: expect.stringContaining("does not exist") as string,
    stack: expect.stringMatching(/^ {4}at /) as string,
  },
};

describe("an error that is masked", () => {
  const SESSIONS = `query Marked { viewer { marked: sessions { nodes { id } } } }`;

  it.each([
    ["a resolver", () => resolved],
    ["a compiled read, and its resolvers after it", () => compiled],
  ])("is in the log with its cause and the request's id: %s", async (_what, at) => {
    const server = at();
    const { userId } = await aMember(await anAccount());
    const { token } = await aSession(userId);
    // The second time, the document is known and tried ahead of Apollo.
    for (let i = 0; i < 2; i++) await server.ask(SESSIONS, {}, { token });
    for (let i = 0; i < 2; i++) {
      const answer = await without("events", () =>
        server.ask(
          `query Marked($m: ID!) { node(id: $m) { id } viewer { marked: memberships { nodes { account { events { nodes { id } } } } } } }`,
          { m: "v4riable" },
          { token },
        ),
      );
      expect(answer.codes).toContain("INTERNAL_SERVER_ERROR");
      const id = answer.headers.get("x-request-id");
      expect(answer.errors.map(({ extensions }) => extensions!["requestId"])).toContain(id);
      const lines = errorsOf(server, id);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toMatchObject(CAUSE);
      expect(answer.text).not.toContain("does not exist");
    }
    expect(server.log.join("")).not.toMatch(/Marked|marked|v4riable|select /);
  });

  it("is in the log: a mutation", async () => {
    const { userId } = await aMember(await anAccount(), ADMINISTRATOR);
    const { token } = await aSession(userId);
    const answer = await without("events", () =>
      resolved.ask(
        `mutation { createAccount(input: { name: "s3cret name" }) { account { id } } }`,
        {},
        { token },
      ),
    );
    expect(answer.codes).toEqual(["INTERNAL_SERVER_ERROR"]);
    const lines = errorsOf(resolved, answer.headers.get("x-request-id"));
    expect(lines).toMatchObject([CAUSE]);
    expect(resolved.log.join("")).not.toContain("s3cret name");
  });

  it("is in the log: finding out who asks", async () => {
    const { secret: token } = await aCredential(await aMember(await anAccount()));
    const answer = await without("credentials", () =>
      resolved.ask("{ __typename }", {}, { token }),
    );
    expect(answer).toMatchObject({ status: 500, codes: ["INTERNAL_SERVER_ERROR"] });
    const id = answer.headers.get("x-request-id");
    expect(answer.errors[0]!.extensions!["requestId"]).toBe(id);
    expect(errorsOf(resolved, id)).toMatchObject([CAUSE]);
    expect(resolved.log.join("")).not.toContain(token.slice(-20));
  });

  it("is in the log: GraphQL itself objects to a value of a row", async () => {
    const account = await anAccount();
    const { id: sessionId, token } = await aSession((await aMember(account)).userId);
    await sqlAsOwner("alter table sessions drop constraint sessions_methods_check");
    await sqlAsOwner("update sessions set methods = '{n0nsense}' where id = $1", [sessionId]);
    const answer = await resolved.ask(
      "{ viewer { sessions { nodes { methods } } } }",
      {},
      { token },
    );
    expect(answer.codes).toEqual(["INTERNAL_SERVER_ERROR"]);
    const lines = errorsOf(resolved, answer.headers.get("x-request-id"));
    expect(lines).toMatchObject([
      { err: { message: expect.stringContaining("SignInMethod") as string } },
    ]);
    expect(JSON.stringify(lines)).not.toContain("n0nsense");
  });

  it("is in the log: the way to a provider", async () => {
    const response = await without("social_flows", () =>
      resolved.fetch("/sign-in/github", { redirect: "manual" }),
    );
    expect(response.headers.get("location")).toMatch(/#error=INTERNAL_SERVER_ERROR$/);
    const lines = errorsOf(resolved, response.headers.get("x-request-id"));
    expect(lines).toMatchObject([CAUSE]);
    expect(resolved.log.join("")).not.toContain("s3cret-of-the-app");
  });

  it("is in the log: an export, in its first page", async () => {
    const account = await anAccount();
    const { secret } = await aCredential(await aMember(account, ADMINISTRATOR));
    const headers = { authorization: `Bearer ${secret}` };
    const response = await without("events", () =>
      resolved.fetch(`/accounts/${account.id}/events`, { headers }),
    );
    expect(response.status).toBe(500);
    expect(response.headers.get("content-disposition")).toBeNull();
    const lines = errorsOf(resolved, response.headers.get("x-request-id"));
    expect(lines).toMatchObject([{ msg: "request failed", ...CAUSE }]);
  });
});

it("tells each cause that an answer hides, once, whatever wraps it", () => {
  const cause = new Error("the cause");
  const wrapped = new GraphQLError("the document said { secret }", { originalError: cause });
  const formatted = { message: "", extensions: { code: "INTERNAL_SERVER_ERROR" } };
  const shown = formatError(formatted, wrapped);
  expect(shown).toEqual({
    message: "Something went wrong.",
    extensions: { code: "INTERNAL_SERVER_ERROR" },
  });
  expect(takeCause(shown)).toEqual({ cause: wrapped });
  expect(takeCause(shown)).toBeNull();
  const forClient = { message: "Syntax", extensions: { code: "GRAPHQL_PARSE_FAILED" } };
  expect(takeCause(formatError(forClient, new GraphQLError("Syntax")))).toBeNull();
});

describe("what is logged of an error", () => {
  it("holds no parameter that PostgreSQL quotes", async () => {
    const error: unknown = await db
      .query(sql`select ${'a "s3cret" value'}::int`)
      .catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain("s3cret");
    const text = JSON.stringify(loggable(error));
    expect(text).toContain("22P02");
    expect(text).toContain("invalid input syntax for type integer");
    expect(text).not.toContain("s3cret");
  });

  it("holds neither the document of a GraphQLError nor what libraries hang on theirs", () => {
    const cause = Object.assign(new Error("refused"), { response: "s3cret answer", code: "EAUTH" });
    const error = new GraphQLError("It failed.", {
      source: { body: "{ s3cret }", name: "GraphQL" } as never,
      originalError: cause,
    });
    const text = JSON.stringify(loggable(error));
    expect(text).toContain("It failed.");
    expect(text).toContain('"code":"EAUTH"');
    expect(text).not.toContain("s3cret");
  });

  it("ends where causes go round in a circle", () => {
    const error = new Error("round");
    error.cause = error;
    expect(JSON.stringify(loggable(error)).match(/round/g)).toHaveLength(4);
  });
});
