import { createHash } from "node:crypto";
import { hash as argon2 } from "@node-rs/argon2";
import { NO_BROWSER } from "../../../src/context/browser";
import { Context } from "../../../src/context/context";
import type { User } from "../../../src/entities/User";
import { DomainError, Unauthenticated } from "../../../src/errors";
import { hashPassword } from "../../../src/identity/passwords";
import { signIn } from "../../../src/operations/sessions/signIn";
import { db, sqlAsOwner, statements, useDatabase } from "../../support/database";
import {
  asNobody,
  aUser,
  base,
  REQUEST,
  signedIn,
  services,
  withToken,
} from "../../support/factories";
import { atOnce, heldUp, times } from "../../support/races";
import { afterQuietMinute, denials, everything } from "../../support/refusals";

beforeAll(useDatabase);

const PASSWORD = "correct horse battery staple";
const WEAKER = { algorithm: 2, memoryCost: 8192, timeCost: 1, parallelism: 1 } as const;
let passwordHash: string;

beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

function eventsOfUser({ id }: { id: string }) {
  return sqlAsOwner(`select * from user_events where user_id = $1 order by id`, [id]);
}

async function hashOfUser({ id }: User): Promise<string> {
  const [row] = await sqlAsOwner<{ password_hash: string }>(
    "select password_hash from users where id = $1",
    [id],
  );
  return row!.password_hash;
}

/** Tries to sign in; the error, once all that it does behind the caller's back is done. */
async function refusal(email: string, password: string): Promise<DomainError> {
  const background: Promise<unknown>[] = [];
  const request = { id: "req_test", ip: "192.0.2.7", userAgent: "jest" };
  const ctx = new Context({
    db,
    services,
    request,
    caller: null,
    background: (work) => background.push(work),
  });
  try {
    await signIn(ctx, email, password);
  } catch (error) {
    await Promise.all(background);
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error("It let them in");
}

describe("signIn", () => {
  it("U2, U9, E5: opens a session and records it in the user's own stream", async () => {
    const user = await aUser({ passwordHash });

    const { session, token } = signedIn(await signIn(asNobody(), user.email, PASSWORD));

    const [row, ...more] = await sqlAsOwner("select * from sessions where user_id = $1", [user.id]);
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      id: session.id,
      methods: ["PASSWORD"],
      ip: "192.0.2.7",
      user_agent: "jest",
      ended_at: null,
    });
    expect(await eventsOfUser(user)).toMatchObject([
      {
        type: "signed_in.v1",
        principal_id: user.id,
        principal_subject: user.email,
        surface: "DASHBOARD",
        session_id: session.id,
        object_id: session.id,
        changes: { id: [null, session.id], methods: [null, ["PASSWORD"]] },
        decision: {
          action: "create",
          allowed: true,
          rule: "Users manage their own sessions.",
          methods: ["PASSWORD"],
        },
      },
    ]);
    expect((await withToken(token)).principal).toMatchObject({
      id: user.id,
      sessionId: session.id,
      methods: ["PASSWORD"],
    });
  });

  it("U9: keeps the token's SHA-256 and nothing else of it", async () => {
    const user = await aUser({ passwordHash });

    const { token } = signedIn(await signIn(asNobody(), user.email, PASSWORD));

    const [row] = await sqlAsOwner<{ token_hash: Buffer }>(
      "select token_hash from sessions where user_id = $1",
      [user.id],
    );
    expect(row!.token_hash.equals(createHash("sha256").update(token).digest())).toBe(true);
    const dump = JSON.stringify(await everything());
    expect(dump).not.toContain(token);
    expect(JSON.stringify(await eventsOfUser(user))).not.toContain(row!.token_hash.toString("hex"));
    expect(JSON.stringify(await eventsOfUser(user))).not.toContain("argon2");
  });

  it("E1, T2: writes session and event in one statement, while the user's row is held", async () => {
    const user = await aUser({ passwordHash });
    statements.length = 0;

    await signIn(asNobody(), user.email, PASSWORD);

    expect(statements.filter((text) => /for no key update of u$/.test(text))).toHaveLength(1);
    const writes = statements.filter((text) => /insert into (sessions|user_events)/.test(text));
    expect(writes).toHaveLength(1);

    await sqlAsOwner(`
      create function fail() returns trigger language plpgsql as $$
        begin raise exception 'no event'; end $$;
      create trigger fail before insert on user_events for each row execute function fail()`);
    const before = await everything();
    await expect(signIn(asNobody(), user.email, PASSWORD)).rejects.toThrow("no event");
    expect(await everything()).toEqual(before);
    await sqlAsOwner("drop function fail cascade");
  });

  it("makes the caller of this request whoever signed in", async () => {
    const user = await aUser({ passwordHash });
    const ctx = asNobody();

    await signIn(ctx, user.email, PASSWORD);

    expect(ctx.principal.id).toBe(user.id);
  });

  it("U1: finds the user however the email is written", async () => {
    const user = await aUser({ passwordHash });

    const { session } = signedIn(
      await signIn(asNobody(), `  ${user.email.toUpperCase()} `, PASSWORD),
    );

    expect(session.userId).toBe(user.id);
  });

  it("U9: opens a session of its own at every sign-in, also at once", async () => {
    const user = await aUser({ passwordHash });

    const { done } = await atOnce(times(3, () => () => signIn(asNobody(), user.email, PASSWORD)));

    expect(done).toBe(3);
    expect(await eventsOfUser(user)).toHaveLength(3);
    const sessions = await sqlAsOwner(
      "select distinct token_hash from sessions where user_id = $1",
      [user.id],
    );
    expect(sessions).toHaveLength(3);
  });
});

describe("signIn, refused", () => {
  it("U2: answers a wrong email, a wrong password and a user without password alike", async () => {
    const user = await aUser({ passwordHash });
    const withoutPassword = await aUser();
    const before = await everything();

    const answers = [
      await refusal("nobody@example.com", PASSWORD),
      await refusal(user.email, `${PASSWORD}!`),
      await refusal(withoutPassword.email, PASSWORD),
      await refusal(withoutPassword.email, "nobody's password"),
      await refusal(user.email, ""),
      await refusal("", ""),
    ].map(({ name, code, message, details }) => ({ name, code, message, details }));

    expect(answers[0]).toMatchObject({ code: "INVALID_CREDENTIALS" });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await everything()).toEqual(before);
  });

  it("U2: looks up once before it answers, for a user as for nobody", async () => {
    const user = await aUser({ passwordHash });

    for (const email of [user.email, "nobody@example.com"]) {
      statements.length = 0;
      await refusal(email, "wrong");
      const lookups = statements.filter((text) => text.includes("from users"));
      expect(lookups).toHaveLength(1);
    }
  });

  it("U2, E1, E5: records it with the user it was aimed at, and nowhere for nobody", async () => {
    const user = await aUser({ passwordHash });
    const withoutPassword = await aUser();
    const before = (await denials()).length;

    await refusal(user.email, "wrong");
    await refusal(withoutPassword.email, "wrong");
    await refusal("nobody@example.com", "wrong");

    expect((await denials()).slice(before)).toMatchObject(
      [user, withoutPassword].map(({ id }) => ({
        stream: id,
        type: "sign_in_refused.v1",
        object_id: id,
        decision: {
          action: "create",
          subject: { type: "Session", id: null },
          allowed: false,
          code: "INVALID_CREDENTIALS",
          count: 1,
          methods: [],
        },
      })),
    );
  });

  it("E1: records at most one a minute, with how many it stands for", async () => {
    const user = await aUser({ passwordHash: null });
    for (let i = 0; i < 3; i++) await refusal(user.email, "wrong");
    expect(await eventsOfUser(user)).toHaveLength(1);

    await afterQuietMinute();

    expect(await eventsOfUser(user)).toMatchObject([
      { decision: { count: 1 } },
      { decision: { count: 2 } },
    ]);
  });

  it("does not sign anybody in on the request that was refused", async () => {
    const user = await aUser({ passwordHash });
    const ctx = asNobody();

    await expect(signIn(ctx, user.email, "wrong")).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });

    expect(() => ctx.principal).toThrow(Unauthenticated);
  });
});

describe("signIn, with an old hash", () => {
  const old = () => argon2(PASSWORD, WEAKER);

  it("U4: hashes the password anew when the parameters have moved on, and records that", async () => {
    const user = await aUser({ passwordHash: await old() });

    await signIn(asNobody(), user.email, PASSWORD);

    expect(await hashOfUser(user)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const events = await eventsOfUser(user);
    expect(events).toMatchObject([
      { type: "user_password_rehashed.v1", object_id: user.id, changes: {} },
      { type: "signed_in.v1" },
    ]);
    expect(JSON.stringify(events)).not.toContain("argon2");
    await signIn(asNobody(), user.email, PASSWORD);
    expect(await eventsOfUser(user)).toHaveLength(3);
  });

  it("U4: leaves it as it is when the password is wrong", async () => {
    const user = await aUser({ passwordHash: await old() });
    const before = await hashOfUser(user);

    await refusal(user.email, "wrong");

    expect(await hashOfUser(user)).toBe(before);
  });

  it("U4: leaves a hash of today's parameters as it is", async () => {
    const user = await aUser({ passwordHash });

    await signIn(asNobody(), user.email, PASSWORD);

    expect(await hashOfUser(user)).toBe(passwordHash);
  });

  it("U4: rehashes once when many sign in at once", async () => {
    const user = await aUser({ passwordHash: await old() });

    const { done } = await atOnce(times(4, () => () => signIn(asNobody(), user.email, PASSWORD)));

    expect(done).toBe(4);
    const types = (await eventsOfUser(user)).map(({ type }) => type);
    expect(types.filter((type) => type === "user_password_rehashed.v1")).toHaveLength(1);
  });

  it("U4: leaves a password that was changed meanwhile as it is", async () => {
    const user = await aUser({ passwordHash: await old() });
    const changed = await hashPassword("a wholly different passphrase");
    const change = "update users set password_hash = $1 where id = $2";

    // The old hash is read and checked; then, to store the new one, it has to wait.
    const outcome = await heldUp(
      () => sqlAsOwner(change, [changed, user.id]),
      () => signIn(asNobody(), user.email, PASSWORD),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "INVALID_CREDENTIALS" } });
    expect(await hashOfUser(user)).toBe(changed);
    expect(await eventsOfUser(user)).toEqual([]);
  });

  it("U10, E1: refuses even the right password after too many wrong ones, and records it", async () => {
    const user = await aUser({ passwordHash });
    const { token } = signedIn(await signIn(asNobody(), user.email, PASSWORD));
    await sqlAsOwner("update sessions set ip = '203.0.113.1' where user_id = $1", [user.id]);
    await sqlAsOwner("delete from throttles");
    const seen: string[] = [];
    for (let i = 0; i < 6; i++) seen.push((await refusal(user.email, "something else")).code);
    expect(new Set(seen)).toEqual(new Set(["INVALID_CREDENTIALS"]));
    const before = await everything();
    delete before["jobs"];

    const error = await refusal(user.email, PASSWORD);
    await refusal(user.email, PASSWORD);

    expect(error).toMatchObject({ code: "RATE_LIMITED", details: { retryAfter: 2 } });
    const { jobs, ...after } = await everything();
    expect(after).toEqual(before);
    // Once a day, however many tries there are.
    expect(jobs).toMatchObject([{ payload: { notice: "passwordGuessed", userId: user.id } }]);
    const codes = (await denials()).filter(({ stream }) => stream === user.id);
    expect(codes.map(({ decision }) => decision.code)).toEqual([
      "INVALID_CREDENTIALS",
      "RATE_LIMITED",
    ]);
    // Nobody is thrown out of what they hold, and nobody else is kept out.
    await expect(withToken(token)).resolves.toBeDefined();
    const other = await aUser({ passwordHash });
    await expect(signIn(asNobody(), other.email, PASSWORD)).resolves.toBeDefined();
  });

  it("U2, U10: throttles an email that nobody has like any other", async () => {
    const email = "nobody-at-all@acme.example";
    const seen: string[] = [];
    for (let i = 0; i < 7; i++) seen.push((await refusal(email, "something else")).code);
    expect(seen).toEqual([...Array<string>(6).fill("INVALID_CREDENTIALS"), "RATE_LIMITED"]);
  });

  it("U10: lets a person in with a browser they have signed in with, whatever others try", async () => {
    const user = await aUser({ passwordHash });
    const DEVICE = Buffer.alloc(32, 7);
    const browser = () =>
      new Context({
        ...base(),
        caller: null,
        browser: { ...NO_BROWSER, deviceHash: DEVICE, keepDevice: () => DEVICE },
      });
    await signIn(browser(), user.email, PASSWORD);
    // Behind the same address and everywhere else.
    await sqlAsOwner(`update throttles set tries = 80, free_at = now() + interval '1 min'`);

    await expect(signIn(browser(), user.email, PASSWORD)).resolves.toBeDefined();
    await sqlAsOwner(
      "update sessions set created_at = now() - interval '91 days' where user_id = $1",
      [user.id],
    );
    await sqlAsOwner(`update throttles set tries = 80, free_at = now() + interval '1 min'`);
    await expect(signIn(browser(), user.email, PASSWORD)).rejects.toMatchObject({
      code: "RATE_LIMITED",
    });
    expect(await refusal(user.email, PASSWORD)).toMatchObject({ code: "RATE_LIMITED" });
  });

  it("U2: does the same for many tries at once, whether or not the email has a user", async () => {
    const user = await aUser({ passwordHash });
    const before = await everything();
    const runs: string[][] = [];
    for (const email of ["nobody-here@acme.example", user.email]) {
      await sqlAsOwner("delete from throttles");
      statements.length = 0;
      await Promise.all(times(30, () => refusal(email, "wrong")));
      runs.push([...statements].sort());
      // For nobody it leaves nothing.
      if (email !== user.email) expect(await everything()).toEqual(before);
    }
    expect(runs[0]).toEqual(runs[1]);
    const [run] = runs;
    const many = (word: string) => run!.filter((text) => text.includes(word)).length;
    // One of each code, and one notice: the rest is only counted.
    expect([many("into refusals"), many("add_job")]).toEqual([2, 1]);
    expect(run).toHaveLength(30 /* look-ups */ + 30 /* counts */ + 3);
    const told = (await denials()).filter(({ stream }) => stream === user.id);
    expect(told.map(({ decision }) => decision.code).sort()).toEqual([
      "INVALID_CREDENTIALS",
      "RATE_LIMITED",
    ]);
  });

  it("U2, U10: tells nothing of a user to whoever shares their network", async () => {
    const user = await aUser({ passwordHash });
    await sqlAsOwner("delete from throttles");
    await signIn(asNobody(), user.email, PASSWORD);
    const answers = [];
    for (const email of [user.email, "nobody@acme.example"]) {
      await sqlAsOwner("delete from throttles");
      for (let i = 0; i < 51; i++) {
        const request = { ...REQUEST, ip: `198.51.100.${i}` };
        await signIn(new Context({ db, services, request, caller: null }), email, "wrong").catch(
          () => 0,
        );
      }
      answers.push((await refusal(email, "wrong")).code);
    }
    expect(answers).toEqual(["RATE_LIMITED", "RATE_LIMITED"]);
  });
});
