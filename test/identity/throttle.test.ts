import { networkOf } from "../../src/net/addresses";
import { RateLimited } from "../../src/errors";
import {
  countMailing,
  countTry,
  forgive,
  type Guesser,
  type Mailing,
} from "../../src/identity/throttle";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import { atOnce, times } from "../support/races";

beforeAll(useDatabase);
beforeEach(() => sqlAsOwner("delete from throttles"));

const ada = (fields: Partial<Guesser> = {}): Guesser => ({
  secret: "password",
  email: "ada@acme.example",
  ip: "192.0.2.7",
  ...fields,
});

/** The seconds that the next try has to wait; 0 where it goes. */
async function wait(guesser: Guesser): Promise<number> {
  try {
    await countTry(db, guesser);
    return 0;
  } catch (error) {
    if (error instanceof RateLimited) return error.details.retryAfter;
    throw error;
  }
}

const pass = (seconds: number) =>
  sqlAsOwner(
    `update throttles set free_at = free_at - make_interval(secs => $1),
      resets_at = resets_at - make_interval(secs => $1)`,
    [seconds],
  );

describe("tries at a password", () => {
  it("U10: go at once five times, then after waits that double up to a quarter of an hour", async () => {
    for (let i = 0; i < 5; i++) expect(await wait(ada())).toBe(0);
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      expect(await wait(ada())).toBe(0);
      const seconds = await wait(ada());
      waits.push(seconds);
      await pass(seconds);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  it("U10: are counted however many come at once", async () => {
    const { done, codes } = await atOnce(times(20, () => () => countTry(db, ada())));
    expect(done).toBe(6); // five for nothing, and the one that the first wait begins with
    expect(new Set(codes)).toEqual(new Set(["RATE_LIMITED"]));
    const [row] = await sqlAsOwner<{ tries: number }>("select max(tries) as tries from throttles");
    expect(row!.tries).toBe(6);
  });

  it("U10: are not counted while they have to wait", async () => {
    for (let i = 0; i < 6; i++) await wait(ada());
    const before = await sqlAsOwner("select * from throttles order by key");
    expect(await wait(ada())).toBeGreaterThan(0);
    expect(await sqlAsOwner("select * from throttles order by key")).toEqual(before);
  });

  it("U10: are counted by network, whoever is guessed", async () => {
    for (let i = 0; i < 51; i++) {
      expect(await wait(ada({ email: `user${i}@acme.example` }))).toBe(0);
    }
    expect(await wait(ada({ email: "another@acme.example" }))).toBe(2);
    expect(await wait(ada({ email: "another@acme.example", ip: "192.0.2.8" }))).toBe(0);
  });

  it("U10: keep nobody out of a browser that they have signed in with, whatever others do", async () => {
    for (let i = 0; i < 51; i++) expect(await wait(ada({ ip: `198.51.100.${i}` }))).toBe(0);
    for (let i = 0; i < 60; i++) await wait(ada({ email: `user${i}@acme.example` }));
    expect(await wait(ada({ ip: "203.0.113.1" }))).toBe(2);
    expect(await wait(ada())).toBeGreaterThan(0);
    expect(await wait(ada({ deviceHash: Buffer.alloc(32, 1) }))).toBe(0);
    expect(await wait(ada({ sessionId: "ses_of_hers" }))).toBe(0);
  });

  it.each([
    ["session", { sessionId: "ses_of_hers" }],
    ["browser", { deviceHash: Buffer.alloc(32, 1) }],
  ])("U10: are counted in a %s, from however many networks", async (_, held) => {
    const from = (i: number) => wait(ada({ ip: `2001:db8:0:${i}::1`, ...held }));
    for (let i = 0; i < 6; i++) expect(await from(i)).toBe(0);
    expect(await from(6)).toBe(2);
    await pass(7200);
    // A day's tries count, not an hour's.
    expect(await from(7)).toBe(0);
    expect(await from(8)).toBe(4);
  });

  it("U10: of codes are few in a day, from however many networks", async () => {
    const from = (i: number) => wait(ada({ secret: "code", ip: `2001:db8:0:${i}::1` }));
    for (let i = 0; i < 11; i++) expect(await from(i)).toBe(0);
    expect(await from(11)).toBe(2);
    await pass(7200);
    expect(await from(12)).toBe(0);
    expect(await from(13)).toBe(4);
    await pass(24 * 3600);
    for (let i = 20; i < 31; i++) expect(await from(i)).toBe(0);
  });

  it.each([
    ["token", 20],
    ["key", 5],
    ["flow", 50],
    ["choice", 20],
  ] as const)("U10: at a %s go at once %i times from a network", async (secret, free) => {
    const from = async (ip: string) => {
      try {
        await countTry(db, { secret, ip });
        return 0;
      } catch (error) {
        return (error as RateLimited).details.retryAfter;
      }
    };
    for (let i = 0; i < free + 1; i++) expect(await from("192.0.2.7")).toBe(0);
    expect(await from("192.0.2.7")).toBe(2);
    expect(await from("192.0.2.8")).toBe(0);
  });

  it("U10: are counted for all of an IPv6 network", async () => {
    for (let i = 0; i < 6; i++) {
      expect(await wait(ada({ ip: `2001:db8:0:1::${i + 1}` }))).toBe(0);
    }
    expect(await wait(ada({ ip: "2001:db8:0:1:ffff::1" }))).toBe(2);
    expect(await wait(ada({ ip: "2001:db8:0:2::1" }))).toBe(0);
  });

  it("are counted and forgiven at the same time without blocking each other", async () => {
    const guessers = ["192.0.2.7", "192.0.2.8"].flatMap((ip) =>
      ["ada@acme.example", "ben@acme.example"].map((email) => ada({ email, ip })),
    );
    for (let round = 0; round < 20; round++) {
      const acts = guessers.flatMap((guesser) =>
        times(3, () => [() => countTry(db, guesser), () => forgive(db, guesser)]).flat(),
      );
      const { codes } = await atOnce(acts);
      expect(codes.filter((code) => code !== "RATE_LIMITED")).toEqual([]);
    }
  });

  it("are forgiven once one was good, and the network its one try", async () => {
    for (let i = 0; i < 6; i++) await wait(ada());
    await forgive(db, ada());
    expect(await wait(ada())).toBe(0);
    const tries = await sqlAsOwner<{ key: string; tries: number }>(
      "select split_part(key, ' ', 2) = 'from' as network, tries from throttles order by key",
    );
    expect(tries.map((row) => row.tries).sort()).toEqual([1, 6, 6]);
  });

  it("begin anew after an hour without any", async () => {
    for (let i = 0; i < 6; i++) await wait(ada());
    await pass(3600);
    for (let i = 0; i < 5; i++) expect(await wait(ada())).toBe(0);
  });

  it("count the same person, however the email is typed, and keep no email", async () => {
    for (let i = 0; i < 6; i++)
      await wait(ada({ email: i % 2 ? " ADA@acme.example" : "ada@acme.example" }));
    expect(await wait(ada())).toBe(2);
    expect(JSON.stringify(await sqlAsOwner("select * from throttles"))).not.toContain("acme");
  });

  it("count one address, whether its domain is typed in Unicode or in ASCII", async () => {
    for (let i = 0; i < 6; i++)
      await wait(ada({ email: i % 2 ? "ada@Exämple.example" : "ada@xn--exmple-cua.example" }));
    expect(await wait(ada({ email: "ada@exämple.example" }))).toBe(2);
  });

  it("do without a network where there is none", async () => {
    for (let i = 0; i < 6; i++) expect(await wait(ada({ ip: null }))).toBe(0);
    expect(await wait(ada({ ip: null }))).toBe(2);
  });
});

describe("mails to an address", () => {
  const mailing = (fields: Partial<Mailing> = {}): Mailing => ({
    ...{ mail: "reset_password", to: "ada@acme.example", ownDevice: null, ownIp: null },
    ...fields,
  });
  /** How many of so many go, an hour apart. */
  async function hourly(hours: number, fields: Partial<Mailing> = {}): Promise<number[]> {
    const sent: number[] = [];
    for (let hour = 0; hour < hours; hour++) {
      if (await countMailing(db, mailing(fields))) sent.push(hour);
      await pass(3600);
    }
    return sent;
  }

  it.each([
    ["reset_password", 1],
    ["sign_up", 2],
    ["update_email", 2],
  ] as const)("U10: of %s go at once %i times, however many come at once", async (mail, most) => {
    const went = await Promise.all(times(10, () => countMailing(db, mailing({ mail }))));
    expect(went.filter(Boolean)).toHaveLength(most);
    await pass(3599);
    expect(await countMailing(db, mailing({ mail }))).toBe(false);
    await pass(1);
    expect(await countMailing(db, mailing({ mail }))).toBe(true);
  });

  it("U10: are five or six a day of a kind, and two a day from then on", async () => {
    expect(await hourly(60)).toEqual([0, 1, 3, 7, 15, 27, 39, 51]);
  });

  it("U10: begin anew after a day without any", async () => {
    await hourly(24);
    await pass(24 * 3600);
    expect(await countMailing(db, mailing())).toBe(true);
  });

  it.each([
    ["browser", { ownDevice: Buffer.alloc(32, 1) }],
    ["network", { ownIp: "192.0.2.7" }],
  ])("U10: are counted by themselves where asked for in a %s of the person's", async (_, own) => {
    await hourly(24);
    const went = await Promise.all(times(10, () => countMailing(db, mailing(own))));
    expect(went.filter(Boolean)).toHaveLength(5);
  });

  it("U10: are counted by kind and by address", async () => {
    await hourly(24);
    expect(await countMailing(db, mailing())).toBe(false);
    expect(await countMailing(db, mailing({ mail: "sign_up" }))).toBe(true);
    expect(await countMailing(db, mailing({ to: "ben@acme.example" }))).toBe(true);
  });
});

describe("requests for a mail", () => {
  it("U10: are counted by network, and no network's keep another waiting", async () => {
    const from = (ip: string) => wait(ada({ secret: "reset_password", ip }));
    for (let i = 0; i < 100; i++) await from(`2001:db8:0:${i}::1`);
    for (let i = 0; i < 6; i++) expect(await from("192.0.2.7")).toBe(0);
    expect(await from("192.0.2.7")).toBe(2);
    expect(await wait(ada({ secret: "sign_up" }))).toBe(0);
  });
});

it.each([
  "192.0.2.7",
  "::",
  "::1",
  "2001:db8::1",
  "2001:db8:0:0:1::",
  "2001:0db8:0001:0002:0003:0004:0005:0006",
  "1:2:3:4:5:6:7:8",
  "1::8",
  "1:2:3::",
  "64:ff9b::192.0.2.33",
  "1:2:3:4:5:6:192.0.2.33",
])("R5: the network of %s is what PostgreSQL says", async (address) => {
  const [row] = await sqlAsOwner<{ network: string }>(
    `select network(set_masklen($1::inet, case family($1::inet) when 6 then 64 else 32 end))
      = $2::inet as same`,
    [address, networkOf(address)],
  );
  expect(row).toEqual({ same: true });
});
