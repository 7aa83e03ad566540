import { hash } from "@node-rs/argon2";
import {
  assertStrong,
  hashPassword,
  needsRehash,
  verifyPassword,
} from "../../src/identity/passwords";
import { signIn } from "../../src/operations/sessions/signIn";
import { signOut } from "../../src/operations/sessions/signOut";
import { sqlAsOwner, useDatabase } from "../support/database";
import { asNobody, aUser, withToken } from "../support/factories";

beforeAll(useDatabase);
const PASSWORD = "gravel-otter-lantern-58";

async function refusal(work: () => unknown): Promise<{ code: string; message: string }> {
  return Promise.resolve()
    .then(work)
    .then(
      () => ({ code: "none", message: "" }),
      (error: { code: string; message: string }) => error,
    );
}

it("U4: hashes with argon2id and OWASP's parameters, never truncating", async () => {
  const long = "é🔑".repeat(100);
  const stored = await hashPassword(`${long}a`);
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await verifyPassword(stored, `${long}a`)).toBe(true);
  expect(await verifyPassword(stored, `${long}b`)).toBe(false);
  expect(await verifyPassword(null, `${long}a`)).toBe(false);
});

it.each([
  ["11 characters", "tqzvwkxjmpb", "BAD_USER_INPUT", /12 to 256/],
  ["257 characters", "gravel otter ".repeat(20).slice(0, 257), "BAD_USER_INPUT", /257/],
  ["a common password", "password1234", "WEAK_PASSWORD", /./],
  ["a repeat", "aaaaaaaaaaaaaaaa", "WEAK_PASSWORD", /./],
  ["one's own name", "adaadministrator", "WEAK_PASSWORD", /./],
])("U4: refuses %s with a reason", async (_what, password, code, message) => {
  const error = await refusal(() => assertStrong(password, ["Ada Administrator"], ["password"]));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain(password);
});

it.each(["gravel-otter-lantern-58", "пингвин лампа тетрадь 83", "🦦🪨🏮🎻🧭🪵🦉🧶🪁🧿🪞🫖"])(
  "U4: takes %s",
  (password) => expect(() => assertStrong(password, [], ["password"])).not.toThrow(),
);

it("U4: rehashes at sign-in when the parameters have moved on", async () => {
  const old = await hash(PASSWORD, { algorithm: 2, memoryCost: 8192, timeCost: 2, parallelism: 1 });
  expect(needsRehash(old)).toBe(true);
  const user = await aUser({ passwordHash: old });
  await signIn(asNobody(), user.email, PASSWORD);
  const [row] = await sqlAsOwner<{ password_hash: string }>("select * from users where id = $1", [
    user.id,
  ]);
  expect(needsRehash(row!.password_hash)).toBe(false);
  expect(await verifyPassword(row!.password_hash, PASSWORD)).toBe(true);
});

it("U2: wrong email, wrong password and no password are one error", async () => {
  const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
  const without = await aUser();
  const errors = [
    await refusal(() => signIn(asNobody(), user.email, "another password")),
    await refusal(() => signIn(asNobody(), "nobody@example.com", PASSWORD)),
    await refusal(() => signIn(asNobody(), without.email, PASSWORD)),
  ];
  expect(new Set(errors.map(({ code, message }) => `${code} ${message}`)).size).toBe(1);
  expect(errors[0]!.code).toBe("INVALID_CREDENTIALS");
  expect(
    await sqlAsOwner("select from sessions where user_id = any($1)", [[user.id, without.id]]),
  ).toEqual([]);
});

it("U2, U9: signs in whatever the email's case; the session ends with signing out", async () => {
  const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
  const { session, token } = await signIn(asNobody(), ` ${user.email.toUpperCase()} `, PASSWORD);
  const [row] = await sqlAsOwner("select * from sessions where id = $1", [session.id]);
  expect(JSON.stringify(row)).not.toContain(token.slice(-30));

  await signOut(await withToken(token));
  await expect(withToken(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  const types = await sqlAsOwner("select type from user_events where user_id = $1 order by id", [
    user.id,
  ]);
  expect(types).toEqual([{ type: "signed_in.v1" }, { type: "signed_out.v1" }]);
});

it.each([
  ["past its time", "expires_at = now() - interval '1 s'"],
  ["idle for too long", "last_used_at = now() - interval '15 days'"],
  ["ended", "ended_at = now()"],
])("U9: refuses a session %s", async (_what, change) => {
  const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
  const { session, token } = await signIn(asNobody(), user.email, PASSWORD);
  await sqlAsOwner(`update sessions set ${change} where id = $1`, [session.id]);
  await expect(withToken(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});
