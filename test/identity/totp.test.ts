import { spawnSync } from "node:child_process";
import jsqr from "jsqr";
import { PNG } from "pngjs";
import { newTotpSecret, totpSetup, totpStep } from "../../src/identity/totp";
import { codeAt, fromBase32 } from "../support/totp";

/** RFC 6238, appendix B: of SHA-1, 8 digits; ours are the last six. */
const SECRET = Buffer.from("12345678901234567890");
const VECTORS: [seconds: number, code: string][] = [
  [59, "94287082"],
  [1111111109, "07081804"],
  [1111111111, "14050471"],
  [1234567890, "89005924"],
  [2000000000, "69279037"],
  [20000000000, "65353130"],
];
const at = (seconds: number) => new Date(seconds * 1000);

describe("totpStep", () => {
  it.each(VECTORS)("T2: takes the vector of RFC 6238 at %i", (seconds, code) => {
    expect(totpStep(SECRET, code.slice(2), at(seconds))).toBe(Math.floor(seconds / 30));
    expect(codeAt(SECRET, at(seconds), 8)).toBe(code);
  });

  it("T2: takes the code of one step before and after, tells which, and none further off", () => {
    const now = at(1_700_000_010);
    const step = Math.floor(1_700_000_010 / 30);
    const steps = [-2, -1, 0, 1, 2].map((off) =>
      totpStep(SECRET, codeAt(SECRET, at(1_700_000_010 + 30 * off)), now),
    );
    expect(steps).toEqual([null, step - 1, step, step + 1, null]);
  });

  it.each([
    "",
    "12345",
    "1234567",
    " 94287",
    "9428 7",
    "1e5000",
    "０９４２８７",
    "-94287",
    "0x1234",
    "94287\n",
  ])("T2: takes nothing that is not six digits: %j", (code) => {
    expect(totpStep(SECRET, code, at(59))).toBeNull();
  });

  it("T2: refuses to work without a whole secret", () => {
    expect(() => totpStep(Buffer.alloc(0), "000000", at(59))).toThrow();
    expect(() => totpStep(Buffer.alloc(10), "000000", at(59))).toThrow();
  });

  it("T2: takes what an independent generator shows for many secrets and moments", () => {
    for (let i = 0; i < 200; i++) {
      const secret = newTotpSecret();
      const moment = new Date(Math.floor(Math.random() * 4e12));
      const step = Math.floor(moment.getTime() / 30_000);
      // Of codes that happen to be alike in two steps, the earlier is found.
      expect([step, step - 1]).toContain(totpStep(secret, codeAt(secret, moment), moment));
    }
  });

  it("T2: agrees with oathtool, where it is installed", () => {
    const secret = newTotpSecret();
    const moment = 1_900_000_000;
    const found = spawnSync("oathtool", [
      ...["--totp", `--now=@${moment}`, secret.toString("hex")],
    ]);
    // CI installs it; elsewhere our generator in test/support/totp.ts is compared alone.
    const code = found.error ? codeAt(secret, at(moment)) : found.stdout.toString().trim();
    expect(totpStep(secret, code, at(moment))).toBe(Math.floor(moment / 30));
  });
});

describe("totpSetup", () => {
  const read = (png: string) => {
    const { data, width, height } = PNG.sync.read(Buffer.from(png.split(",")[1]!, "base64"));
    return jsqr(new Uint8ClampedArray(data), width, height)?.data;
  };

  it("T1: tells the secret as URI, as text and as QR code, all of them the same", async () => {
    const secret = newTotpSecret();
    const setup = await totpSetup(secret, "Acme: Tünnel & Co", "zoë+1@example.com");

    expect(fromBase32(setup.secret).equals(secret)).toBe(true);
    const uri = new URL(setup.otpauthUri);
    expect(uri.protocol).toBe("otpauth:");
    expect(uri.host).toBe("totp");
    expect(decodeURIComponent(uri.pathname)).toBe("/Acme Tünnel & Co:zoë+1@example.com");
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret: setup.secret,
      issuer: "Acme Tünnel & Co",
      algorithm: "SHA1",
      digits: "6",
      period: "30",
    });
    expect(setup.qrPng).toMatch(/^data:image\/png;base64,/);
    expect(read(setup.qrPng)).toBe(setup.otpauthUri);
    expect(setup.qrSvg).toMatch(/^<svg [^]*<\/svg>\s*$/);
    expect(setup.qrSvg).not.toMatch(/<script|href|url\(/);
  });

  it.each([
    ["Acme:Staging", "Acme Staging"],
    ["a : b:c", "a b c"],
    [":", "Gatehouse"],
  ])("T1: leaves the colon out of the service %s, which some apps refuse", async (name, issuer) => {
    const uri = new URL((await totpSetup(newTotpSecret(), name, "ada@example.com")).otpauthUri);
    expect(decodeURIComponent(uri.pathname)).toBe(`/${issuer}:ada@example.com`);
    expect(uri.pathname.match(/:|%3A/gi)).toHaveLength(1);
    expect(uri.searchParams.get("issuer")).toBe(issuer);
  });

  it("T1: makes secrets of 160 random bits", () => {
    const secrets = Array.from({ length: 100 }, () => newTotpSecret().toString("hex"));
    expect(new Set(secrets).size).toBe(100);
    expect(secrets.every((one) => one.length === 40)).toBe(true);
  });
});
