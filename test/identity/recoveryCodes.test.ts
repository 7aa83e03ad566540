import {
  newRecoveryCodes,
  recoveryCodeHash,
  recoveryCodesText,
} from "../../src/identity/recoveryCodes";

describe("recovery codes (T3)", () => {
  it("T1, T3: are ten of 80 random bits each, which their hashes don't tell", () => {
    const { codes, hashes } = newRecoveryCodes();
    expect(codes).toHaveLength(10);
    expect(new Set(codes).size).toBe(10);
    for (const [i, code] of codes.entries()) {
      expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
      expect(recoveryCodeHash(code)!.equals(hashes[i]!)).toBe(true);
      expect(hashes[i]).toHaveLength(32);
    }
  });

  it("T3: are read as people type them", () => {
    const hash = recoveryCodeHash("0123-4567-89ab-1h10")!;
    for (const typed of ["0123456789ab1h10", " 0123 4567 89AB 1H10 ", "O123-4567-89aB-LHi0"]) {
      expect(recoveryCodeHash(typed)?.equals(hash)).toBe(true);
    }
  });

  it.each([
    "",
    "0123",
    "0123-4567-89ab-1h1",
    "0123-4567-89ab-1h100",
    "0123-4567-89ab-1h1u",
    "123456",
  ])("T3: are nothing else: %j", (typed) => {
    expect(recoveryCodeHash(typed)).toBeNull();
  });

  it("T3: come as a text to keep", () => {
    const text = recoveryCodesText(["a-b", "c-d"], "Acme", "zoe@example.com");
    expect(text.split("\n")).toEqual([
      "Recovery codes of zoe@example.com for Acme",
      "",
      "a-b",
      "c-d",
      "",
      expect.stringContaining("Each works once"),
      "",
    ]);
  });
});
