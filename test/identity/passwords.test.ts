import { availableParallelism } from "node:os";
import { hash } from "@node-rs/argon2";
import {
  assertLength,
  assertStrong,
  hashPassword,
  needsRehash,
  verifyPassword,
} from "../../src/identity/passwords";
import { signIn } from "../../src/operations/sessions/signIn";
import { signOut } from "../../src/operations/sessions/signOut";
import { sqlAsOwner, useDatabase } from "../support/database";
import { PASSWORD_BYTES } from "../../src/resolvers/maxBytes";
import { asNobody, aUser, withToken, signedIn } from "../support/factories";
import { times } from "../support/races";

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

/** As whoever chooses one is asked. */
const assertGood = async (password: string, words: string[], field: string[]) => {
  assertLength(password, field);
  await assertStrong(password, words, field);
};

it.each([
  ["11 characters", "tqzvwkxjmpb", "BAD_USER_INPUT", /12 to 256/],
  ["257 characters", "gravel otter ".repeat(20).slice(0, 257), "BAD_USER_INPUT", /257/],
  ["a common password", "password1234", "WEAK_PASSWORD", /./],
  ["a repeat", "aaaaaaaaaaaaaaaa", "WEAK_PASSWORD", /./],
  ["one's own name", "adaadministrator", "WEAK_PASSWORD", /./],
])("U4: refuses %s with a reason", async (_what, password, code, message) => {
  const error = await refusal(() => assertGood(password, ["Ada Administrator"], ["password"]));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain(password);
});

it.each(["gravel-otter-lantern-58", "пингвин лампа тетрадь 83", "🦦🪨🏮🎻🧭🪵🦉🧶🪁🧿🪞🫖"])(
  "U4: takes %s",
  async (password) => expect(assertGood(password, [], ["password"])).resolves.toBeUndefined(),
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
  const { session, token } = signedIn(
    await signIn(asNobody(), ` ${user.email.toUpperCase()} `, PASSWORD),
  );
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
  const { session, token } = signedIn(await signIn(asNobody(), user.email, PASSWORD));
  await sqlAsOwner(`update sessions set ${change} where id = $1`, [session.id]);
  await expect(withToken(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

describe("assertStrong", () => {
  /** Code points that take two UTF-16 units each, none like the one before. */
  const astral = (count: number) =>
    String.fromCodePoint(...times(count, (i) => 0x1f300 + ((i * 37) % 256)));
  const codeOf = async (password: string, context: string[] = []) =>
    (await refusal(() => assertGood(password, context, ["password"]))).code;

  it("U4: counts characters, not the units they are made of", async () => {
    expect(await codeOf(astral(11))).toBe("BAD_USER_INPUT");
    expect(await codeOf(astral(12))).toBe("none");
    expect(await codeOf(astral(256))).toBe("none");
    expect(await codeOf(astral(257))).toBe("BAD_USER_INPUT");
  });

  it("U4: names the field, and says why and what to do", async () => {
    for (const weak of ["password1234", "qwertyuiop123", "abcabcabcabc", "correcthorse"]) {
      const error = await refusal(() => assertGood(weak, [], ["input", "password"]));
      expect(error).toMatchObject({ code: "WEAK_PASSWORD", field: ["input", "password"] });
      // A reason and a hint: two sentences at least.
      expect(error.message).toMatch(/^[A-Z][^.]+\. [A-Z].*[.!]?$/);
    }
  });

  it("U4: takes nothing made of the user's own words, or ours", async () => {
    expect(await codeOf("margueriteduras", ["Marguerite Duras"])).toBe("WEAK_PASSWORD");
    expect(await codeOf("xkvqzwpfjd.hgbn", ["xkvqzwpfjd@hgbn.example"])).toBe("WEAK_PASSWORD");
    expect(await codeOf("gatehousegatehouse")).toBe("WEAK_PASSWORD");
  });

  it("U4: is not fooled by letters that only look different", async () => {
    expect("ｐａｓｓｗｏｒｄ１２３４".normalize("NFKC")).toBe("password1234");

    expect(await codeOf("ｐａｓｓｗｏｒｄ１２３４")).toBe("WEAK_PASSWORD");
  });

  it("U4: counts the same password alike, however it is composed", async () => {
    const composed = "é".repeat(3) + "gravelé";
    expect([...composed.normalize("NFD")].length).toBeGreaterThan(12);

    expect(await codeOf(composed.normalize("NFD"))).toBe(await codeOf(composed));
  });

  it("U4: keeps nobody else waiting, whatever it is given", async () => {
    const hostile = ["p@$$w0rd", "4@8({[<3&6#9%1!|7$5+0", "(|)|(", "1qaz2wsx"].map((part) =>
      part.repeat(32).slice(0, 256),
    );
    let turns = 0;
    const others = setInterval(() => turns++, 1);

    for (const password of [...hostile, astral(256)]) await codeOf(password);

    clearInterval(others);
    expect(turns).toBeGreaterThan(20); // as it stood still, there was one for each at most
  });
});

describe("hashPassword", () => {
  it("U4: never truncates: two of 200 characters that differ in the last are two", async () => {
    const start = "x".repeat(199);
    const stored = await hashPassword(`${start}1`);

    expect(await verifyPassword(stored, `${start}1`)).toBe(true);
    expect(await verifyPassword(stored, `${start}2`)).toBe(false);
    expect(await verifyPassword(stored, start)).toBe(false);
  });

  it("U4: salts: the same password twice is two hashes", async () => {
    expect(await hashPassword(PASSWORD)).not.toBe(await hashPassword(PASSWORD));
  });

  it.each([
    ["composed or not", "Zoë's café crème", "Zoë's café crème".normalize("NFD")],
    ["with ligatures or not", "ﬁve oﬃces aﬂoat", "five offices afloat"],
    ["full width or not", "Ｔｏｋｙｏ－１２３", "Tokyo-123"],
  ])("U4: takes a password %s for the same", async (_what, one, other) => {
    expect(one).not.toBe(other);

    expect(await verifyPassword(await hashPassword(one), other)).toBe(true);
    expect(await verifyPassword(await hashPassword(other), one)).toBe(true);
  });

  it("U4: tells upper from lower case, and white space at the ends", async () => {
    const stored = await hashPassword(PASSWORD);

    for (const other of [PASSWORD.toUpperCase(), ` ${PASSWORD}`, `${PASSWORD} `]) {
      expect(await verifyPassword(stored, other)).toBe(false);
    }
  });

  it("U2: takes as long for nobody's password as for somebody's", async () => {
    const stored = await hashPassword(PASSWORD);
    const median = async (against: string | null) => {
      const taken: number[] = [];
      for (let i = 0; i < 9; i++) {
        const started = performance.now();
        await verifyPassword(against, "wrong");
        taken.push(performance.now() - started);
      }
      return taken.sort((a, b) => a - b)[4]!;
    };
    await median(null);

    const [somebody, nobody] = [await median(stored), await median(null)];

    // A look-up alone would be a hundred times as fast.
    expect(nobody / somebody).toBeGreaterThan(0.25);
    expect(nobody / somebody).toBeLessThan(4);
  });

  it("U10: keeps a queue of a hundred, tells the rest when to come back, and recovers", async () => {
    // Two for each thread: what it works at, and what it goes on with.
    const places = 2 * Math.max(1, Math.floor(availableParallelism() / 2)) + 100;

    const outcomes = await Promise.allSettled(times(places + 20, () => hashPassword(PASSWORD)));

    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(20);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: "RATE_LIMITED", details: { retryAfter: 2 } });
    }
    await expect(hashPassword(PASSWORD)).resolves.toMatch(/^\$argon2id/);
  });

  it("U10: lets networks take turns, and sends away whoever has the most waiting", async () => {
    const done: string[] = [];
    const from = (ip: string) =>
      hashPassword(PASSWORD, ip).then(
        () => done.push(ip),
        (error: { code: string }) => done.push(`${ip} ${error.code}`),
      );
    const flood = times(150, () => from("192.0.2.7"));
    const others = ["192.0.2.8", "2001:db8::1", "2001:db8::2"].map(from);
    await Promise.all(others);

    // Of one network, so after each other; the flood had three turns in between at most.
    const served = done.filter((one) => one === "192.0.2.7");
    expect(served.length).toBeLessThan(3 * 2 * availableParallelism());
    await Promise.all(flood);
    expect(done.filter((one) => one === "192.0.2.7 RATE_LIMITED").length).toBeGreaterThan(45);
    expect(done.filter((one) => one.includes("RATE_LIMITED"))).not.toContain(
      "192.0.2.8 RATE_LIMITED",
    );
  });

  it("U10: gives the place back when a hash can't be read", async () => {
    const places = Math.max(1, Math.floor(availableParallelism() / 2)) + 100;

    await Promise.allSettled(times(places, () => verifyPassword("no hash", PASSWORD)));

    await expect(hashPassword(PASSWORD)).resolves.toMatch(/^\$argon2id/);
  });
});

it("U4: takes a password of 256 characters however they are composed", () => {
  for (const character of ["각", "é", "Å", "ế"]) {
    for (const form of ["NFC", "NFD"] as const) {
      const password = character.repeat(256).normalize(form);
      expect(() => assertLength(password, [])).not.toThrow();
      expect(Buffer.byteLength(password)).toBeLessThanOrEqual(PASSWORD_BYTES);
    }
  }
});
