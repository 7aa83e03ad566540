import { createHash } from "node:crypto";
import { isBreached } from "../../src/identity/breaches";
import { outbound } from "../../src/net/outbound";
import { answerWith, breach, ranges, usePwned } from "../support/pwned";

const call = outbound({ production: false, privateHosts: [] });
const PASSWORD = "correct horse battery staple";
let url: string;
beforeAll(async () => {
  url = await usePwned();
});

const asked = (password = PASSWORD) => isBreached(call, url, password);

describe("a password", () => {
  it("U4: is breached where the server has seen it, however often", async () => {
    breach({ [PASSWORD]: 1, another: 52_256_179 });

    expect(await asked()).toBe(true);
    expect(await asked("another")).toBe(true);
  });

  it("U4: is not where the server has not, or has it only to pad its answer", async () => {
    expect(await asked()).toBe(false);
    breach({ [PASSWORD]: 0 });
    expect(await asked()).toBe(false);
  });

  it("U4: is looked up as it is hashed, however it is typed", async () => {
    breach({ "p\u00e4ssword 1234": 3 });

    expect(await asked("pa\u0308ssword 1234")).toBe(true);
    expect(await asked("ｐäｓｓword １２３４")).toBe(true);
  });

  it("U4: is never sent: only 5 digits of its digest are, and padding is asked for", async () => {
    const digest = createHash("sha1").update(PASSWORD).digest("hex").toUpperCase();

    await asked();

    expect(ranges).toHaveLength(1);
    const [{ method, url, headers, body }] = ranges as [(typeof ranges)[0]];
    expect([method, url, body]).toEqual(["GET", `/range/${digest.slice(0, 5)}`, ""]);
    expect(headers).toEqual({
      "add-padding": "true",
      "user-agent": "Gatehouse",
      "accept-encoding": "identity",
      host: expect.any(String) as string,
      connection: "close",
    });
  });

  it("U4: is found where the server writes its digits small and ends lines otherwise", async () => {
    const digest = createHash("sha1").update(PASSWORD).digest("hex");
    answerWith((reply) => reply.end(`${"0".repeat(35)}:3\n${digest.slice(5)}:2\n`));

    expect(await asked()).toBe(true);
  });
});

describe("an answer", () => {
  const digits = "0".repeat(35);

  it.each([
    ["that is empty", ""],
    ["that is a page", "<html>Sign in to the guest network</html>"],
    ["with a line that is none", `${digits}:3\r\nand so on`],
    ["with digests that are too short", `${digits.slice(1)}:3`],
    ["with whole digests", `${digits}00000:3`],
    ["with no count", digits],
    ["with no number for a count", `${digits}:many`],
  ])("U4: %s is none", async (_what, text) => {
    answerWith((reply) => reply.end(text));
    await expect(asked()).rejects.toThrow(/not a list/);
  });

  it.each([301, 404, 429, 500, 503])("U4: of status %i is none", async (status) => {
    answerWith((reply) => reply.writeHead(status, { location: "/" }).end(`${digits}:3`));
    await expect(asked()).rejects.toThrow(`status ${status}`);
    expect(ranges).toHaveLength(1);
  });

  it("U4: that is huge is none", async () => {
    answerWith((reply) => reply.end(`${digits}:3\r\n`.repeat(40_000)));
    await expect(asked()).rejects.toThrow(/larger than/);
  });

  it("U4: is awaited for 3 seconds", async () => {
    answerWith((reply) => {
      const drip = setInterval(() => reply.write(`${digits}:3\r\n`), 200);
      reply.once("close", () => clearInterval(drip));
    });
    const started = performance.now();
    await expect(asked()).rejects.toMatchObject({ name: "TimeoutError" });
    expect(performance.now() - started).toBeGreaterThan(2_900);
    expect(performance.now() - started).toBeLessThan(6_000);
  });

  it("U4: that does not come is none", async () => {
    await expect(isBreached(call, "http://127.0.0.1:1", PASSWORD)).rejects.toThrow(/ECONNREFUSED/);
  });
});
