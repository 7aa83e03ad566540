import { hashPassword } from "../../src/identity/passwords";
import { sqlAsOwner, useDatabase } from "../support/database";
import { aUser } from "../support/factories";
import { serve, type Served } from "../support/http";

const PASSWORD = "correct horse battery staple 42";
let server: Served;
let behindProxy: Served;

beforeAll(async () => {
  await useDatabase();
  server = await serve();
  behindProxy = await serve({ env: { GATEHOUSE_TRUSTED_PROXIES: "127.0.0.1" } });
});

const signIn = (email: string, password: string, alias = "signIn") =>
  `${alias}: signIn(input: { email: "${email}", password: "${password}", transport: BEARER }) { token }`;

describe("guessing over HTTP", () => {
  it("U10: counts each alias of a mutation", async () => {
    const { email } = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const tries = Array.from({ length: 9 }, (_, i) => signIn(email, `guess ${i}`, `a${i}`));

    const { codes, status } = await server.ask(
      `mutation { ${[...tries, signIn(email, PASSWORD)].join(" ")} }`,
    );

    expect(status).toBe(200);
    expect(codes).toEqual([
      ...Array<string>(6).fill("INVALID_CREDENTIALS"),
      ...Array<string>(4).fill("RATE_LIMITED"),
    ]);
  });

  it("U10: says in how many seconds to try again, and does not tell who has a user", async () => {
    await sqlAsOwner("delete from throttles");
    const { email } = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const answers = [];
    for (const one of [email, "nobody@acme.example"]) {
      for (let i = 0; i < 6; i++) await server.ask(`mutation { ${signIn(one, "a guess")} }`);
      const { errors, data } = await server.ask(`mutation { ${signIn(one, "a guess")} }`);
      answers.push({ errors, data });
    }
    expect(answers[0]!.errors).toMatchObject([
      {
        message: "Too many tries. Try again in 2 seconds.",
        extensions: { code: "RATE_LIMITED", retryAfter: 2 },
      },
    ]);
    expect(answers[1]).toEqual(answers[0]);
  });

  it("U10: goes by the address behind a proxy that is trusted, and by no other's word", async () => {
    await sqlAsOwner("delete from throttles");
    const { email } = await aUser();
    const tryFrom = async (to: Served, ip: string) => {
      const headers = { "x-forwarded-for": ip };
      const { codes } = await to.ask(`mutation { ${signIn(email, "a guess")} }`, {}, { headers });
      return codes[0];
    };
    for (let i = 0; i < 6; i++) await tryFrom(behindProxy, "192.0.2.1");
    expect(await tryFrom(behindProxy, "192.0.2.1")).toBe("RATE_LIMITED");
    expect(await tryFrom(behindProxy, "192.0.2.2")).toBe("INVALID_CREDENTIALS");

    for (let i = 0; i < 6; i++) await tryFrom(server, `192.0.2.${i}`);
    expect(await tryFrom(server, "192.0.2.99")).toBe("RATE_LIMITED");
  });
});
